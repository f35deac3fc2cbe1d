// SPDX-License-Identifier: Apache-2.0
#include "host/key_holder.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/files.h"
#include "sys/test_directory.h"

namespace reprise::host {
namespace {

class KeyHolder : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(layout_.create()); }
  auto take(const char* id) {
    const std::vector<std::string> args = {"--root", (directory_.path() / "runc").string()};
    return take_key(layout_,
                    identify(args, base::ContainerId::parse(id).value(), base::KeyName("web")),
                    {.program = "runc", .state_args = args});
  }
  sys::TestDirectory directory_;
  Layout layout_{
      .store = directory_.path() / "store", .run = directory_.path() / "run", .runc = {}};
};

TEST_F(KeyHolder, IsAskedAgainByTheSameContainer) {
  for (int i = 0; i < 2; ++i) {
    const auto other = take("a");
    ASSERT_TRUE(other) << other.error().message();
    EXPECT_FALSE(*other);
  }
}

TEST_F(KeyHolder, IsNamedWhileItIsMade) {
  // Another process makes container "a" and lives on.
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t maker = ::fork();
  if (maker == 0) {
    const bool taken = take("a").has_value();
    static_cast<void>(::write(ready[1], taken ? "y" : "n", 1));
    ::pause();
    ::_exit(0);
  }
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  const auto other = take("b");
  ASSERT_TRUE(other) << other.error().message();
  ASSERT_TRUE(*other);
  EXPECT_EQ((*other)->str(), "a");
  ::kill(maker, SIGKILL);
  ::waitpid(maker, nullptr, 0);
  // Its maker is gone and runc knows no such container.
  const auto after = take("b");
  ASSERT_TRUE(after) << after.error().message();
  EXPECT_FALSE(*after);
}

}  // namespace
}  // namespace reprise::host
