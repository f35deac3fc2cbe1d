// SPDX-License-Identifier: Apache-2.0
//
// For the tests of the store only: a place elsewhere in which something happens when we come to
// its packs.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "remote/object_store.h"

namespace reprise::transfer {

class BusyPlace final : public remote::ObjectStore {
 public:
  BusyPlace(std::unique_ptr<remote::ObjectStore> objects, std::function<void()> happens)
      : objects_(std::move(objects)), happens_(std::move(happens)) {}
  [[nodiscard]] std::string url() const override { return objects_->url(); }
  Result<void> put(const std::string& name, std::string_view contents) override {
    return objects_->put(name, contents);
  }
  Result<void> put_file(const std::string& name, const std::filesystem::path& file,
                        const remote::Progress& progress) override {
    return objects_->put_file(name, file, progress);
  }
  Result<std::string> get(const std::string& name, std::size_t limit) override {
    return objects_->get(name, limit);
  }
  Result<void> read(const std::string& name, std::uint64_t offset,
                    std::span<std::byte> out) override {
    std::call_once(once_, happens_);
    return objects_->read(name, offset, out);
  }
  Result<std::optional<std::uint64_t>> size(const std::string& name) override {
    return objects_->size(name);
  }
  Result<std::vector<remote::ObjectInfo>> list(const std::string& prefix) override {
    return objects_->list(prefix);
  }
  Result<void> remove(const std::string& name) override { return objects_->remove(name); }
  Result<std::uint64_t> drop_unfinished(const std::string& prefix,
                                        base::UnixMillis before) override {
    return objects_->drop_unfinished(prefix, before);
  }

 private:
  std::unique_ptr<remote::ObjectStore> objects_;
  std::function<void()> happens_;
  std::once_flag once_;
};

}  // namespace reprise::transfer
