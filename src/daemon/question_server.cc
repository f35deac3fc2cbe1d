// SPDX-License-Identifier: Apache-2.0
#include "daemon/question_server.h"

#include <poll.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "base/log.h"
#include "host/agent_link.h"
#include "host/agent_message.h"

namespace reprise::daemon {

using base::LogLevel;
using base::Result;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr int kMostAtOnce = 256;  // more are hung up on, and go on as runc
constexpr milliseconds kAcceptPace{200};

bool is_readable(const sys::UniqueFd& fd, milliseconds patience) {
  pollfd poll_fd{.fd = fd.get(), .events = POLLIN, .revents = 0};
  return ::poll(&poll_fd, 1, static_cast<int>(patience.count())) > 0;
}

// Says Wait at once and then as often as the wrapper wants to hear it; it asks nothing more, so
// whatever there is to read is its end.
class WaitTeller {
 public:
  WaitTeller(sys::MessageSocket& socket, const std::atomic<bool>& stop)
      : socket_(socket), stop_(stop) {}
  bool operator()(const host::Wait& wait) {
    if (stop_ || is_readable(socket_.fd(), milliseconds(0))) return false;
    const auto now = steady_clock::now();
    if (next_ && now < *next_) return true;
    next_ = now + host::kWaitPace / 2;
    return socket_.send(host::encode(host::AgentAnswer(wait))).has_value();
  }

 private:
  sys::MessageSocket& socket_;
  const std::atomic<bool>& stop_;
  std::optional<steady_clock::time_point> next_;
};

void count_answer(Metrics& metrics, const host::AgentAnswer& answer) {
  constexpr const char* kName = "reprise_answers_total";
  if (const auto* end = std::get_if<host::Ending>(&answer))
    metrics.add(kName,
                {{"question", "ending"}, {"answer", end->checkpoint ? "checkpoint" : "signal"}});
  if (const auto* go_on = std::get_if<host::GoOn>(&answer))
    metrics.add(kName, {{"question", "create"},
                        {"answer", go_on->checkpoint.empty() ? "begins-anew" : "goes-on"}});
}

}  // namespace

Result<std::unique_ptr<QuestionServer>> QuestionServer::start(const host::Layout& layout,
                                                              Answers& answers, Metrics& metrics) {
  REPRISE_PASS(layout.create());
  const auto address = host::agent_socket_of(layout);
  if (sys::MessageSocket::connect(address, host::kAgentPatience))
    return base::fail(base::ErrorCode::kBusy,
                      "another agent answers at '" + address.string() + "'");
  REPRISE_PASS(sys::remove_tree(address));  // of one that was killed
  auto listener = REPRISE_PASS(sys::MessageListener::listen(address));
  return std::unique_ptr<QuestionServer>(new QuestionServer(std::move(listener), answers, metrics));
}

QuestionServer::QuestionServer(sys::MessageListener listener, Answers& answers, Metrics& metrics)
    : listener_(std::move(listener)),
      answers_(answers),
      metrics_(metrics),
      thread_([this] { run(); }) {}

QuestionServer::~QuestionServer() {
  stop_ = true;
  thread_.join();
  std::unique_lock hold(lock_);
  left_.wait(hold, [this] { return busy_ == 0; });
}

void QuestionServer::run() {
  while (!stop_) {
    if (!is_readable(listener_.fd(), kAcceptPace)) continue;
    auto socket = listener_.accept();
    if (!socket) {
      base::log(LogLevel::kWarn, "a question was not taken", {{"error", socket.error().message()}});
      std::this_thread::sleep_for(kAcceptPace);  // out of descriptors: it would come again at once
      continue;
    }
    {
      const std::lock_guard hold(lock_);
      if (busy_ == kMostAtOnce) continue;
      ++busy_;
    }
    std::thread([this, socket = *std::move(socket)]() mutable {
      serve(socket);
      const std::lock_guard hold(lock_);
      --busy_;
      left_.notify_all();
    }).detach();
  }
}

void QuestionServer::serve(sys::MessageSocket& socket) {
  const auto text = socket.receive(host::kAgentPatience);
  if (!text || !*text) return;
  const auto question = host::decode_agent_question(**text);
  if (!question)
    return base::log(LogLevel::kWarn, "a question was not understood",
                     {{"error", question.error().message()}});
  if (const auto* created = std::get_if<host::Created>(&*question)) return answers_.note(*created);
  std::optional<host::AgentAnswer> answer;
  if (const auto* end = std::get_if<host::WillEnd>(&*question)) answer = answers_.ending(*end);
  if (const auto* wished = std::get_if<host::WhatIsWished>(&*question))
    answer = answers_.wish(*wished);
  if (const auto* create = std::get_if<host::WillCreate>(&*question)) {
    WaitTeller waiting(socket, stop_);
    answer = answers_.go_on(*create, std::ref(waiting));
  }
  count_answer(metrics_, *answer);
  base::warn_and_ignore(socket.send(host::encode(*answer)), "nobody waited for the answer");
}

}  // namespace reprise::daemon
