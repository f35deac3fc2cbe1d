// SPDX-License-Identifier: Apache-2.0
#include "host/agent_link.h"

#include "sys/message_socket.h"

namespace reprise::host {

using base::ErrorCode;
using base::Result;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

Result<sys::MessageSocket> ask(const Layout& layout, const AgentQuestion& question) {
  auto socket = REPRISE_PASS(sys::MessageSocket::connect(agent_socket_of(layout), kAgentPatience));
  REPRISE_PASS(socket.send(encode(question)));
  return socket;
}

Result<AgentAnswer> next(sys::MessageSocket& socket, milliseconds patience) {
  const auto text = REPRISE_PASS(socket.receive(patience));
  if (!text) return base::fail(ErrorCode::kGone, "the agent went away without an answer");
  return decode_agent_answer(*text);
}

std::unexpected<base::Error> no_answer() {
  return base::fail(ErrorCode::kInternal, "the agent answered another question");
}

}  // namespace

std::filesystem::path agent_socket_of(const Layout& layout) { return layout.run / "agent.sock"; }

Result<GoOn> ask_agent(const Layout& layout, const WillCreate& question,
                       const std::function<void(const std::string&)>& waiting) {
  auto socket = REPRISE_PASS(ask(layout, question));
  const auto deadline = steady_clock::now() + kLongestWait;
  milliseconds patience = kAgentPatience;
  for (;;) {
    const AgentAnswer answer = REPRISE_PASS(next(socket, patience));
    if (const auto* found = std::get_if<GoOn>(&answer)) return *found;
    const auto* wait = std::get_if<Wait>(&answer);
    if (wait == nullptr) return no_answer();
    if (steady_clock::now() >= deadline)
      return base::fail(ErrorCode::kBusy, "the agent still waits: " + wait->reason);
    waiting(wait->reason);
    patience = kWaitPace + kAgentPatience;
  }
}

Result<Ending> ask_agent(const Layout& layout, const WillEnd& question) {
  auto socket = REPRISE_PASS(ask(layout, question));
  const AgentAnswer answer = REPRISE_PASS(next(socket, kAgentPatience));
  if (const auto* found = std::get_if<Ending>(&answer)) return *found;
  return no_answer();
}

Result<void> tell_agent(const Layout& layout, const Created& what) {
  auto socket = REPRISE_PASS(ask(layout, what));
  return {};
}

}  // namespace reprise::host
