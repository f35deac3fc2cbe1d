// SPDX-License-Identifier: Apache-2.0
#include "hands/hands.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/scope_exit.h"
#include "host/hands_link.h"
#include "sys/message_socket.h"
#include "sys/test_directory.h"

namespace reprise::hands {
namespace {

// Who is not there, or another than was said, is not saved; tests/e2e has those that are.
TEST(HandsTest, AContainerThatIsNotThereIsRefused) {
  const sys::TestDirectory directory;
  const host::Layout layout{.store = {}, .run = directory.path(), .runc = "runc"};
  std::atomic<bool> stop = false;
  std::jthread server([&] { EXPECT_TRUE(serve(layout, stop)); });
  const base::ScopeExit ends([&] { stop = true; });
  // The file is there a moment before somebody listens.
  while (!sys::MessageSocket::connect(host::hands_socket_of(layout))) std::this_thread::yield();
  const host::SaveNow question{
      .container = base::ContainerId("no-such-container"),
      .pod = {.name_space = "shop", .pod = "web-0", .uid = "0b3e", .container = "app"}};
  const auto outcome = host::ask_hands(layout, question, [](const std::string&) {});
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_FALSE(outcome->ok());
  EXPECT_EQ(outcome->code, base::ErrorCode::kNotFound);
  EXPECT_NE(outcome->reason.find("shop/web-0/app"), std::string::npos) << outcome->reason;
}

}  // namespace
}  // namespace reprise::hands
