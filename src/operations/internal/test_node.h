// SPDX-License-Identifier: Apache-2.0
//
// For tests: a node with a real store in a directory of its own, and a remote named 'depot' that is
// a directory beside it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "catalog/catalog.h"
#include "operations/node.h"
#include "store/checkpoint_store.h"
#include "store/open_catalog.h"
#include "sys/test_directory.h"

namespace reprise::operations {

class TestNode {
 public:
  // Nodes that share `depot` push and pull there; all have the key that lies beside it.
  explicit TestNode(const std::filesystem::path& depot) : depot_(depot) {
    node.store = {.root = directory_ / "store",
                  .key = {.kind = crypto::KeySource::Kind::kFile,
                          .value = (depot.parent_path() / "key").string()}};
    node.layout = {.store = node.store.root, .run = directory_ / "run", .runc = "/no/runc"};
    node.config.remotes.push_back(
        {.name = "depot", .access = {.url = "file://" + depot.string()}, .upload = true});
  }

  // A checkpoint of this store, known to the catalog.
  base::CheckpointId put(const std::string& memory, const std::string& tag = "",
                         const base::ContainerKey& key = base::ContainerKey("@web")) {
    auto writer = std::move(*std::move(*store::open_store(node.store))->begin({}));
    std::ofstream(writer->pages().spool() / "pages-1.img") << memory;
    EXPECT_TRUE(writer->pages().absorb());
    const auto manifest = writer->seal({.key = key,
                                        .name = "web",
                                        .trigger = image::Trigger::kStop,
                                        .created = ++now_,
                                        .kernel = "6.18"});
    EXPECT_TRUE(manifest);
    EXPECT_TRUE(writer->settle());
    EXPECT_TRUE(catalog().add_checkpoint(*manifest, tag, catalog::Catalog::Continue::kNo));
    return writer->id();
  }
  [[nodiscard]] catalog::Catalog catalog() const {
    return std::move(*store::open_catalog(node.store));
  }
  [[nodiscard]] bool is_in_depot(const base::CheckpointId& id) const {
    return std::filesystem::exists(depot_ / "checkpoints" / id.str());
  }

  Node node;

 private:
  std::filesystem::path depot_;
  sys::TestDirectory directory_;
  base::UnixMillis now_ = 0;
};

}  // namespace reprise::operations
