// SPDX-License-Identifier: Apache-2.0
//
// What is told of checkpoints and histories, of a store of this process.
#include <gtest/gtest.h>

#include "operations/container/history.h"
#include "operations/internal/fake_podman.h"
#include "operations/internal/test_node.h"
#include "operations/internal/test_progress.h"
#include "operations/store/checkpoint_list.h"
#include "operations/store/verification.h"
#include "operations/transfer/transfer.h"

namespace reprise::operations {
namespace {

using base::CheckpointId;
using base::ErrorCode;
using catalog::LifeEvent;

class Lists : public testing::Test {
 protected:
  sys::TestDirectory between_;
  TestNode here_{between_ / "depot"};
  FakePodman podman_;
  TestProgress progress_;
};

TEST_F(Lists, CheckpointsAreNewestFirstWithTheirSizesAndCopies) {
  const CheckpointId old = here_.put("old", "safe");
  const CheckpointId newest = here_.put("new", "", base::ContainerKey("@other"));
  ASSERT_TRUE(push(here_.node, "safe", "depot", progress_));
  const auto all = list_checkpoints(here_.node, "");
  ASSERT_TRUE(all) << all.error().details();
  EXPECT_TRUE(all->has_store);
  ASSERT_EQ(all->checkpoints.size(), 2U);
  EXPECT_EQ(all->checkpoints[0].id, newest);
  EXPECT_GT(all->checkpoints[0].stored_bytes.value_or(0), 0U) << "found out, and noted";
  EXPECT_TRUE(here_.catalog().find_checkpoint(newest.str())->stored_bytes);
  ASSERT_EQ(all->copies.size(), 1U);
  EXPECT_EQ(all->copies[0].checkpoint, old);
  EXPECT_EQ(list_checkpoints(here_.node, "nobody").error().code(), ErrorCode::kNotFound);

  const auto there = list_remote_checkpoints(here_.node, "depot", "");
  ASSERT_TRUE(there) << there.error().details();
  ASSERT_EQ(there->checkpoints.size(), 1U);
  EXPECT_EQ(there->checkpoints[0].id, old);
  EXPECT_EQ(there->checkpoints[0].tag, "safe") << "by which it is pulled";
  EXPECT_TRUE(there->of_unknown_tag.empty());
  EXPECT_TRUE(there->unreadable.empty());
  EXPECT_TRUE(list_remote_checkpoints(here_.node, "depot", "other")->checkpoints.empty());

  const auto details = describe_checkpoint(here_.node, "safe");
  ASSERT_TRUE(details) << details.error().details();
  EXPECT_EQ(details->row.id, old);
  EXPECT_EQ(details->manifest.kernel, "6.18");
}

// On a node Podman need not work, nor even be there.
TEST_F(Lists, APodsContainerIsFoundByItsNameInAllPodsThatHadIt) {
  const CheckpointId old = here_.put_as("shop/web-0/app", base::ContainerKey("@pod:1:app"));
  const CheckpointId newest = here_.put_as("shop/web-0/app", base::ContainerKey("@pod:2:app"));
  here_.put_as("shop/web-1/app", base::ContainerKey("@pod:3:app"));
  const auto found = list_checkpoints(here_.node, "shop/web-0/app");
  ASSERT_TRUE(found) << found.error().details();
  ASSERT_EQ(found->checkpoints.size(), 2U);
  EXPECT_EQ(found->checkpoints[0].id, newest);
  EXPECT_EQ(found->checkpoints[1].id, old);
  EXPECT_EQ(podman_.calls(), "");
  const auto none = list_checkpoints(here_.node, "shop/web-2/app");
  EXPECT_EQ(none.error().code(), ErrorCode::kNotFound) << none.error().message();
}

// Only 'restore' knew what is meant.
TEST_F(Lists, AContainersNameMeansItsNewestCheckpoint) {
  here_.put_as("shop/web-0/app", base::ContainerKey("@pod:1:app"));
  const CheckpointId newest = here_.put_as("shop/web-0/app", base::ContainerKey("@pod:1:app"));
  EXPECT_EQ(describe_checkpoint(here_.node, "shop/web-0/app")->row.id, newest);
  EXPECT_EQ(verify_checkpoint(here_.node, "shop/web-0/app")->id, newest);
  EXPECT_EQ(push(here_.node, "shop/web-0/app", "depot", progress_)->id, newest);
  const auto none = describe_checkpoint(here_.node, "shop/web-2/app");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), ErrorCode::kNotFound);
  EXPECT_FALSE(none.error().hint().empty());
}

TEST_F(Lists, WithoutAStoreThereIsNothingToListAndNoneIsMade) {
  const auto none = list_checkpoints(here_.node, "");
  ASSERT_TRUE(none) << none.error().details();
  EXPECT_FALSE(none->has_store);
  EXPECT_FALSE(std::filesystem::exists(here_.node.store.root));
}

TEST(CpuTimeKept, CountsEachStretchOnce) {
  const auto row = [](LifeEvent event, std::int64_t cpu) {
    return catalog::LifeRow{.event = event, .cpu_time_us = cpu};
  };
  EXPECT_EQ(cpu_time_kept({}), 0);
  EXPECT_EQ(cpu_time_kept({row(LifeEvent::kStarted, 0), row(LifeEvent::kCheckpointed, 100)}), 0);
  // Two restores in one stretch: the second time includes the first.
  EXPECT_EQ(cpu_time_kept({row(LifeEvent::kStarted, 0), row(LifeEvent::kRestored, 100),
                           row(LifeEvent::kRestored, 250)}),
            250);
  // A cold start begins at nothing again.
  EXPECT_EQ(cpu_time_kept({row(LifeEvent::kStarted, 0), row(LifeEvent::kRestored, 100),
                           row(LifeEvent::kStarted, 0), row(LifeEvent::kRestored, 30)}),
            130);
}

}  // namespace
}  // namespace reprise::operations
