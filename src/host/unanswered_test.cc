// SPDX-License-Identifier: Apache-2.0
#include "host/unanswered.h"

#include <gtest/gtest.h>

#include "sys/test_directory.h"

namespace reprise::host {
namespace {

TEST(UnansweredTest, IsToldOnce) {
  const sys::TestDirectory directory;
  const Layout layout{.store = {}, .run = directory.path(), .runc = {}};
  EXPECT_TRUE(take_unanswered(layout)->empty());
  const WillEnd question{
      .container = base::ContainerId("c0ffee"),
      .key = base::ContainerKey("@k"),
      .pod = {.name_space = "shop", .pod = "web-0", .uid = "0b3e", .container = "app"},
      .signal = 15};
  ASSERT_TRUE(note_unanswered(layout, question));
  ASSERT_TRUE(note_unanswered(layout, question));
  const auto found = take_unanswered(layout);
  ASSERT_TRUE(found && found->size() == 1);
  EXPECT_EQ(found->front().pod.pod, "web-0");
  EXPECT_TRUE(take_unanswered(layout)->empty());
}

}  // namespace
}  // namespace reprise::host
