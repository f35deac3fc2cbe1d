// SPDX-License-Identifier: Apache-2.0
#include "podman/client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace reprise::podman {
namespace {

using base::ErrorCode;

sys::RunResult refusal(const std::string& err) {
  return {.status = {.exit_code = 125}, .out = "", .err = err};
}

TEST(ErrorOf, UnderstandsWhatPodmanSays) {
  struct Case {
    const char* err;
    ErrorCode code;
  };
  const Case cases[] = {
      {"Error: no such container nosuch\n", ErrorCode::kNotFound},
      {"time=\"x\" level=warning msg=\"y\"\nError: no container with name or ID \"x\" found: no "
       "such container\n",
       ErrorCode::kNotFound},
      {"Error: creating container storage: the container name \"c1\" is already in use by "
       "da6ba69f044e. You have to remove that container\n",
       ErrorCode::kBusy},
      {"Error: something else\n", ErrorCode::kIo},
      {"", ErrorCode::kIo},
  };
  for (const Case& c : cases)
    EXPECT_EQ(error_of({"podman", "start"}, refusal(c.err)).code(), c.code) << c.err;
}

TEST(ErrorOf, KeepsPodmansLastLine) {
  EXPECT_EQ(
      error_of({"podman", "start", "x"}, refusal("a\nError: no such container x\n")).message(),
      "podman: no such container x");
  EXPECT_EQ(error_of({"podman", "start", "x"}, refusal("")).message(),
            "'podman start' failed: exit status 125");
}

// Who has a port that is to be published is for people to know.
TEST(ErrorOf, NamesWhoHasAPortThatIsTaken) {
  const int taken = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::listen(taken, 1), 0);  // at a port that the kernel chooses
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  ASSERT_EQ(::getsockname(taken, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const auto hint = [](const std::string& where) {
    return error_of({"podman", "start"}, refusal(("Error: cannot listen on the TCP port: listen " +
                                                  where + ": bind: address already in use\n")
                                                     .c_str()))
        .hint();
  };
  EXPECT_EQ(hint("tcp4 127.0.0.1:" + std::to_string(::ntohs(address.sin_port))),
            "process 'podman_test' (pid " + std::to_string(::getpid()) +
                ") has that port: end it, or publish another one");
  ::close(taken);
  EXPECT_TRUE(hint("udp4 127.0.0.1:0").starts_with("something else has that port"));
  EXPECT_EQ(hint("tcp4 somewhere"), "");
  EXPECT_EQ(hint("tcp4 :70000"), "");
}

TEST(Invocation, SaysWhenTheProgramIsMissing) {
  const auto started = Invocation::begin({"podman-that-nobody-has"});
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code(), ErrorCode::kUnsupported);
}

TEST(Invocation, CollectsOutputAndStatus) {
  const auto result = run({"sh", "-c", "echo out; echo err >&2; exit 3"});
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->out, "out\n");
  EXPECT_EQ(result->err, "err\n");
  EXPECT_EQ(result->status.exit_code, 3);
}

TEST(Invocation, CanBeWaitedForInSteps) {
  auto invocation = Invocation::begin({"sleep", "1000"});
  ASSERT_TRUE(invocation) << invocation.error().message();
  const auto result = invocation->wait(std::chrono::milliseconds(1));
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_FALSE(*result);
}  // dropping it kills the program

}  // namespace
}  // namespace reprise::podman
