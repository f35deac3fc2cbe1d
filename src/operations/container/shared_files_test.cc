// SPDX-License-Identifier: Apache-2.0
#include "operations/container/shared_files.h"

#include <gtest/gtest.h>

namespace reprise::operations {
namespace {

TEST(SharedFiles, AreInOneDirectoryOrTheOther) {
  EXPECT_TRUE(overlap("/srv/data", "/srv/data"));
  EXPECT_TRUE(overlap("/srv/data/", "/srv/data"));
  EXPECT_TRUE(overlap("/srv/data/db", "/srv/data"));
  EXPECT_TRUE(overlap("/srv", "/srv/data/../data"));
  EXPECT_FALSE(overlap("/srv/data", "/srv/data-2"));
  EXPECT_FALSE(overlap("/srv/one", "/srv/two"));
}

}  // namespace
}  // namespace reprise::operations
