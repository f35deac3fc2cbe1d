// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer: what comes on the connection that CRIU sends memory on. It ends with an answer, no
// more pages come out of it than went in, and no file lies elsewhere than in the spool.
#include <sys/socket.h>

#include <array>
#include <filesystem>
#include <vector>

#include "engine/criu/page_stream.h"
#include "input.h"
#include "scratch_directory.h"
#include "sys/files.h"
#include "sys/unique_fd.h"

namespace {

using namespace reprise;  // NOLINT(google-build-using-namespace): one file, one subject

class Sink final : public image::PageSink {
 public:
  explicit Sink(std::filesystem::path spool) : spool_(std::move(spool)) {}
  const std::filesystem::path& spool() const override { return spool_; }
  base::Result<void> restart() override { return {}; }
  base::Result<void> begin_pages(std::string name) override {
    fuzz::require(name.starts_with("pages-") && name.ends_with(".img"), "pages have their name");
    return {};
  }
  std::span<std::byte> room() override { return room_; }
  base::Result<void> take(std::size_t bytes) override {
    fuzz::require(bytes > 0 && bytes <= room_.size() && bytes % 4096 == 0, "whole pages come");
    taken_ += bytes;
    return {};
  }
  base::Result<void> absorb() override { return {}; }
  [[nodiscard]] std::size_t taken() const { return taken_; }

 private:
  std::filesystem::path spool_;
  std::vector<std::byte> room_ = std::vector<std::byte>(2 * 4096);
  std::size_t taken_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::ScratchDirectory kDirectory;
  fuzz::require(sys::empty_directory(kDirectory.path()).has_value(), "the spool can be emptied");
  std::array<int, 2> ends{};
  fuzz::require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0, "sockets");
  const sys::UniqueFd criu(ends[0]);
  const sys::UniqueFd ours(ends[1]);
  // The longest input has room in the socket.
  fuzz::require(::send(criu.get(), data, size, MSG_DONTWAIT) == static_cast<ssize_t>(size),
                "all of it is sent at once");
  ::shutdown(criu.get(), SHUT_WR);
  Sink sink(kDirectory.path());
  const auto served = engine::PageStream(ours.get(), sink).serve();
  fuzz::require(sink.taken() <= size, "no page comes that was not sent");
  if (!served) return 0;
  for (const auto& file : std::filesystem::directory_iterator(kDirectory.path())) {
    static_cast<void>(image::decode_pagemap(*sys::read_file(file.path())));
  }
  return 0;
}
