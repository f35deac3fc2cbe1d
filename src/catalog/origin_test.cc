// SPDX-License-Identifier: Apache-2.0
#include "catalog/origin.h"

#include <gtest/gtest.h>

#include "catalog/catalog.h"
#include "catalog/internal/test_catalog.h"

namespace reprise::catalog {
namespace {

TEST(OriginTest, OnlyWhatASessionNotedWasMadeHere) {
  TestDirectory directory;
  auto catalog = open_catalog(directory.path());
  ASSERT_TRUE(catalog) << catalog.error().message();
  image::Manifest manifest;
  manifest.id = base::CheckpointId("made-once");
  manifest.key = base::ContainerKey("a");
  const auto is_here = [&] {
    const auto here = is_made_here(directory.path(), manifest.id);
    EXPECT_TRUE(here) << here.error().message();
    return here && *here;
  };
  EXPECT_FALSE(is_here());  // there is none
  ASSERT_TRUE(catalog->add_checkpoint(manifest, "", Catalog::Continue::kNo));
  EXPECT_FALSE(is_here());
  ASSERT_TRUE(note_made_here(directory.path(), manifest.id));
  EXPECT_TRUE(is_here());
  // Removed here and pulled back: somebody else had it meanwhile.
  ASSERT_TRUE(catalog->remove_checkpoint(manifest.id));
  ASSERT_TRUE(catalog->add_checkpoint(manifest, "", Catalog::Continue::kNo));
  EXPECT_FALSE(is_here());
}

}  // namespace
}  // namespace reprise::catalog
