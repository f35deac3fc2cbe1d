// SPDX-License-Identifier: Apache-2.0
#include "host/agent_link.h"

#include <optional>

#include "sys/message_socket.h"

namespace reprise::host {

using base::ErrorCode;
using base::Result;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

Result<sys::MessageSocket> ask(const Layout& layout, const AgentQuestion& question,
                               milliseconds patience = kAgentPatience) {
  auto socket = REPRISE_PASS(sys::MessageSocket::connect(agent_socket_of(layout), patience));
  REPRISE_PASS(socket.send(encode(question)));
  return socket;
}

Result<AgentAnswer> next(sys::MessageSocket& socket, milliseconds patience) {
  const auto text = REPRISE_PASS(socket.receive(patience));
  if (!text) return base::fail(ErrorCode::kGone, "the agent went away without an answer");
  return decode_agent_answer(*text);
}

std::unexpected<base::Error> later(const std::string& reason) {
  return std::unexpected(
      base::Error(ErrorCode::kDenied, reason).with_hint("the kubelet tries again by itself"));
}

std::unexpected<base::Error> no_answer() {
  return base::fail(ErrorCode::kInternal, "the agent answered another question");
}

}  // namespace

std::filesystem::path agent_socket_of(const Layout& layout) { return layout.run / "agent.sock"; }

Result<GoOn> ask_agent(const Layout& layout, const WillCreate& question,
                       const std::function<void(const std::string&)>& waiting,
                       milliseconds patience) {
  auto socket = REPRISE_PASS(ask(layout, question, patience));
  const auto deadline = steady_clock::now() + kLongestWait;
  milliseconds pace{0};  // at which it says Wait
  std::optional<Wait> claimed;
  for (;;) {
    const auto answer = next(socket, pace + patience);
    if (!answer && claimed) return later("the node's agent went away: " + claimed->reason);
    if (!answer) return std::unexpected(answer.error());
    if (const auto* found = std::get_if<GoOn>(&*answer)) return *found;
    if (const auto* busy = std::get_if<TryLater>(&*answer)) return later(busy->reason);
    const auto* wait = std::get_if<Wait>(&*answer);
    if (wait == nullptr) return no_answer();
    if (wait->is_claimed) claimed = *wait;
    if (steady_clock::now() >= deadline && claimed) return later(claimed->reason);
    if (steady_clock::now() >= deadline)
      return base::fail(ErrorCode::kBusy, "the agent still waits: " + wait->reason);
    waiting(wait->reason);
    pace = kWaitPace;
  }
}

Result<Ending> ask_agent(const Layout& layout, const WillEnd& question, milliseconds patience) {
  auto socket = REPRISE_PASS(ask(layout, question, patience));
  const AgentAnswer answer = REPRISE_PASS(next(socket, patience));
  if (const auto* found = std::get_if<Ending>(&answer)) return *found;
  return no_answer();
}

Result<PolicyWish> ask_agent(const Layout& layout, const WhatIsWished& question,
                             milliseconds patience) {
  auto socket = REPRISE_PASS(ask(layout, question, patience));
  const AgentAnswer answer = REPRISE_PASS(next(socket, patience));
  if (const auto* found = std::get_if<PolicyWish>(&answer)) return *found;
  if (const auto* busy = std::get_if<TryLater>(&answer)) return later(busy->reason);
  return no_answer();
}

std::filesystem::path policy_flag_of(const Layout& layout) { return layout.store / "policies"; }

Result<void> tell_agent(const Layout& layout, const Created& what) {
  auto socket = REPRISE_PASS(ask(layout, what));
  return {};
}

}  // namespace reprise::host
