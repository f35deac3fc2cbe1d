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
    return put({.key = key, .name = "web"}, memory, tag);
  }
  // Of a container of this name.
  base::CheckpointId put_as(const std::string& name, const base::ContainerKey& key) {
    return put({.key = key, .name = name}, "memory of " + name, "");
  }

  [[nodiscard]] catalog::Catalog catalog() const {
    return std::move(*store::open_catalog(node.store));
  }
  [[nodiscard]] bool is_in_depot(const base::CheckpointId& id) const {
    return std::filesystem::exists(depot_ / "checkpoints" / id.str());
  }

  Node node;

 private:
  base::CheckpointId put(image::Manifest manifest, const std::string& memory,
                         const std::string& tag) {
    auto writer = std::move(*std::move(*store::open_store(node.store))->begin({}));
    std::ofstream(writer->pages().spool() / "pages-1.img") << memory;
    EXPECT_TRUE(writer->pages().absorb());
    manifest.trigger = image::Trigger::kStop;
    manifest.created = ++now_;
    manifest.kernel = "6.18";
    const auto sealed = writer->seal(std::move(manifest));
    EXPECT_TRUE(sealed);
    EXPECT_TRUE(writer->settle());
    EXPECT_TRUE(catalog().add_checkpoint(*sealed, tag, catalog::Catalog::Continue::kNo));
    return writer->id();
  }

  std::filesystem::path depot_;
  sys::TestDirectory directory_;
  base::UnixMillis now_ = 0;
};

}  // namespace reprise::operations
