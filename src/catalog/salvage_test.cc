// SPDX-License-Identifier: Apache-2.0
//
// `store verify` did not see a damaged catalog, and `store repair` went on with one of the future.
#include <gtest/gtest.h>

#include <fstream>

#include "catalog/catalog.h"
#include "catalog/internal/schema.h"
#include "catalog/internal/test_catalog.h"
#include "catalog/salvage.h"
#include "sqlite/statement.h"
#include "sys/files.h"

namespace reprise::catalog {
namespace {

using base::CheckpointId;
using base::ContainerKey;
using base::ErrorCode;
using base::SessionId;

const ContainerKey kWeb("web");

class CatalogSalvageTest : public testing::Test {
 protected:
  CatalogSalvageTest() {
    Catalog catalog = value_of(open_catalog(root()));
    for (const char* id : {"one", "two"}) {
      const image::Manifest manifest{
          .id = CheckpointId::parse(id).value(), .key = kWeb, .name = "web"};
      EXPECT_TRUE(catalog.add_checkpoint(manifest, id, Catalog::Continue::kYes));
    }
    EXPECT_TRUE(catalog.put_container({.key = kWeb, .name = "web", .create_command = "[]"}));
    // They come last in the file.
    for (int i = 0; i < 300; ++i)
      EXPECT_TRUE(catalog.add_life_event(
          {.key = kWeb, .time = i, .session = SessionId("s"), .detail = std::string(100, 'x')}));
  }
  [[nodiscard]] const std::filesystem::path& root() const { return directory_.path(); }
  [[nodiscard]] std::filesystem::path file() const { return root() / "catalog.db"; }
  void overwrite(std::streamoff from_end, std::size_t bytes) const {
    std::fstream stream(file(), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(-from_end, std::ios::end);
    stream << std::string(bytes, '\x7f');
  }

  TestDirectory directory_;
};

TEST_F(CatalogSalvageTest, AWholeOneHasNoDamage) {
  EXPECT_EQ(value_of(find_catalog_damage(root())), std::nullopt);
  EXPECT_EQ(value_of(find_catalog_damage(root() / "none")), std::nullopt);
}

TEST_F(CatalogSalvageTest, WhatIsWholeInADamagedOneIsTakenOver) {
  overwrite(5 * 4096, 4096);
  ASSERT_TRUE(value_of(find_catalog_damage(root())));
  const SalvagedCatalog salvaged = value_of(replace_catalog(root()));
  EXPECT_EQ(salvaged.lost, std::vector<std::string>{"lives"});
  EXPECT_TRUE(std::filesystem::exists(salvaged.damaged));
  EXPECT_EQ(value_of(find_catalog_damage(root())), std::nullopt);
  Catalog catalog = value_of(open_catalog(root()));
  EXPECT_EQ(value_of(catalog.checkpoints()).size(), 2U);
  EXPECT_EQ(value_of(catalog.find_checkpoint("one")).tag, "one");
  EXPECT_EQ(value_of(catalog.continuation(kWeb))->checkpoint.str(), "two");
  EXPECT_EQ(value_of(catalog.container(kWeb))->create_command, "[]");
  const std::size_t lives = value_of(catalog.lives(kWeb)).size();
  EXPECT_GT(lives, 100U);
  EXPECT_LT(lives, 300U);
}

TEST_F(CatalogSalvageTest, NothingIsLeftOfOneThatIsNoDatabase) {
  ASSERT_TRUE(sys::replace_file(file(), "no database at all"));
  ASSERT_TRUE(value_of(find_catalog_damage(root())));
  EXPECT_EQ(value_of(replace_catalog(root())).lost.size(), 7U);
  Catalog catalog = value_of(open_catalog(root()));
  EXPECT_TRUE(value_of(catalog.checkpoints()).empty());
}

TEST_F(CatalogSalvageTest, OneOfTheFutureIsLeftAlone) {
  {
    auto db = value_of(sqlite::open_database(root(), kCatalogSchema));
    ASSERT_TRUE(sqlite::run_script(db.get(), "PRAGMA user_version = 99"));
  }
  const std::string before = value_of(sys::read_file(file()));
  EXPECT_EQ(find_catalog_damage(root()).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(replace_catalog(root()).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(value_of(sys::read_file(file())), before);
}

}  // namespace
}  // namespace reprise::catalog
