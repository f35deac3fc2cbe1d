// SPDX-License-Identifier: Apache-2.0
//
// One request under way and its answer, both piece by piece.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "http/message.h"

namespace reprise::http {

using base::Result;

class Client;
class Line;

// Made by Client::start(), which see for errors, and used by one thread, but for stop(). Nothing
// moves except in its calls: who does not read makes the other side wait. What was read before an
// error stays read.
class Exchange {
 public:
  // Ends what is under way. The connection stays for the next request only if the answer was read
  // to its end.
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // Sends a piece of a body that is written, and returns when the host has taken all of it for
  // sending. Success as well where the other side has answered that it wants no more: head() says
  // what it wants.
  Result<void> write(std::span<const std::byte> piece);
  // The body that is written is whole.
  void finish();
  // Waits for the answer to begin.
  Result<Head> head();
  // Waits until something of the body has come, and puts it to `out`, which is not empty. 0 is the
  // end, as the other side told it; one that stalls or breaks off is an error.
  Result<std::size_t> read(std::span<std::byte> out);

  // Whoever waits in this exchange, now or later, gets kGone. For any thread.
  void stop();

  // What went wrong on the way, of an error after which another try may go better; else empty.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  friend class Client;
  // Whether bytes must only keep moving, or move as fast as Patience::stall says.
  enum class Pace : unsigned char { kAny, kSteady };
  Exchange(Client& client, std::unique_ptr<Line> line, Request request, Pace pace);

  struct Callbacks;
  Result<void> begin();
  Result<void> drive(const std::function<bool()>& ready);
  void step();
  void wait();
  void unpause();
  void note_move();
  [[nodiscard]] bool is_stopped() const;
  [[nodiscard]] bool wants_no_more() const;
  [[nodiscard]] bool is_whole() const;
  [[nodiscard]] base::Error keep(base::Error error);
  [[nodiscard]] base::Error broken(std::string trouble);
  Result<void> outcome();

  Client& client_;
  std::unique_ptr<Line> line_;
  Request request_;
  Pace pace_;
  std::chrono::seconds stall_;
  std::chrono::steady_clock::time_point moved_;
  Head head_;
  bool has_head_ = false;
  bool over_ = false;
  int code_ = 0;                       // libcurl's, when it is over
  std::optional<base::Error> failed_;  // what every later call returns
  std::string trouble_;
  std::atomic<bool> stopped_ = false;
  // What is sent: of Request::body so many bytes have gone; of what is written this is left.
  std::uint64_t sent_ = 0;
  std::span<const std::byte> piece_;
  bool wants_piece_ = false;  // all of it has gone
  bool finished_ = false;
  // What came: to `out_`, and beyond it to `spill_`.
  std::span<std::byte> out_;
  std::size_t filled_ = 0;
  std::vector<std::byte> spill_;
  std::size_t spilled_ = 0;  // of which so many bytes were read
  bool reading_paused_ = false;
};

}  // namespace reprise::http
