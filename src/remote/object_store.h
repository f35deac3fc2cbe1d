// SPDX-License-Identifier: Apache-2.0
//
// A place elsewhere that keeps objects: named, never changed once they are there. What lies in them
// is sealed before it comes here; nothing of it is secret.
//
// Names look like relative paths ("packs/ID.pack"): letters, digits, '.', '-' and '_' between
// single slashes, no part of which begins with a dot; others are refused with kInvalidInput.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace reprise::remote {

using base::Result;

struct ObjectInfo {
  std::string name;
  std::uint64_t bytes = 0;
  // When it was put there, by the clock of that place; nullopt if it does not tell (a peer).
  std::optional<base::UnixMillis> modified = std::nullopt;
  bool operator==(const ObjectInfo&) const = default;
};

// Called now and then with the bytes of one object that have arrived so far; may be empty. What it
// returns as an error ends the transfer with that error.
using Progress = std::function<Result<void>(std::uint64_t done)>;

// All methods block on the other side, may be called by several threads at once, and end: each
// implementation gives up on a side that does not answer. Errors, where nothing else is said:
// kNotFound for a name that is not there, kDenied when the other side refuses us, kBusy when it may
// work later (it was tried several times then), kCorrupt when what came is not what was sent,
// kUnsupported for what this kind of place cannot do (writing to a peer).
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  // Where it is, for people; holds no secret.
  [[nodiscard]] virtual std::string url() const = 0;
  // Makes an object, visible whole or not at all, and durable; one that is there is replaced.
  virtual Result<void> put(const std::string& name, std::string_view contents) = 0;
  // As put(), of a file, which must not change meanwhile. A transfer that was cut off, also by the
  // death of our process, goes on where it was if the same file is put again.
  virtual Result<void> put_file(const std::string& name, const std::filesystem::path& file,
                                const Progress& progress) = 0;
  // The whole object. kInvalidInput if it has more than `limit` bytes.
  virtual Result<std::string> get(const std::string& name, std::size_t limit) = 0;
  // Fills `out` from `offset` on. kCorrupt if the object ends before.
  virtual Result<void> read(const std::string& name, std::uint64_t offset,
                            std::span<std::byte> out) = 0;
  // Its size; nullopt if it is not there.
  virtual Result<std::optional<std::uint64_t>> size(const std::string& name) = 0;
  // All objects whose names begin with `prefix`, sorted by name: as they are when it is called, so
  // that what anybody had put before is in it.
  virtual Result<std::vector<ObjectInfo>> list(const std::string& prefix) = 0;
  // Success if there is none.
  virtual Result<void> remove(const std::string& name) = 0;
  // Ends transfers to names that begin with `prefix`, a directory ("packs/"), if they were begun
  // before `before`, by the clock there, and frees what arrived of them. One that goes on all the
  // same fails, and begins anew when it is repeated. Returns how many there were.
  virtual Result<std::uint64_t> drop_unfinished(const std::string& prefix,
                                                base::UnixMillis before) = 0;
};

// A directory, for example on NFS. Needs no server. Made when something is put there; until then
// list() fails with kNotFound.
std::unique_ptr<ObjectStore> open_directory(std::filesystem::path root);

// kInvalidInput unless `name` is one.
Result<void> check_object_name(std::string_view name);

}  // namespace reprise::remote
