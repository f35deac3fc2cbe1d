// SPDX-License-Identifier: Apache-2.0
//
// Where checkpoints live: a directory per checkpoint, written under a temporary name and renamed.
//
//   ROOT/catalog.db                 see catalog.h
//   ROOT/staging/ID/                being written; swept when its writer is gone
//   ROOT/checkpoints/ID/manifest.json, criu/, parts/
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "image/manifest.h"
#include "image/page_sink.h"

namespace reprise::store {

using base::Result;

// One checkpoint being written. Dropped unsealed, it removes everything that it wrote.
class CheckpointWriter {
 public:
  virtual ~CheckpointWriter() = default;
  [[nodiscard]] virtual const base::CheckpointId& id() const = 0;
  // Memory and process state. Lives as long as the writer.
  virtual image::PageSink& pages() = 0;
  // Where to write the part `name` ("rootfs.tar"); everything found there at the seal belongs to
  // the checkpoint.
  virtual Result<std::filesystem::path> part(std::string_view name) = 0;
  // Makes everything durable and the checkpoint visible: fsync of all files, then the manifest,
  // then the rename. `manifest.id` and `manifest.files` are filled in here; the sealed manifest is
  // returned. Blocks on the disk. On error (kIo, e.g. a full disk) nothing is visible.
  virtual Result<image::Manifest> seal(image::Manifest manifest) = 0;
};

// One sealed checkpoint, opened for reading.
class CheckpointReader {
 public:
  virtual ~CheckpointReader() = default;
  [[nodiscard]] virtual const image::Manifest& manifest() const = 0;
  virtual image::PageSource& pages() = 0;
  // The file of part `name`; kNotFound if the checkpoint has no such part.
  virtual Result<std::filesystem::path> part(std::string_view name) = 0;
};

class CheckpointStore {
 public:
  virtual ~CheckpointStore() = default;
  // A new checkpoint with a fresh id.
  virtual Result<std::unique_ptr<CheckpointWriter>> begin() = 0;
  // kNotFound if there is no such sealed checkpoint, kCorrupt if its manifest is damaged or a file
  // is missing or has another size; contents are checked by verify() and materialize().
  virtual Result<std::unique_ptr<CheckpointReader>> open(const base::CheckpointId& id) = 0;
  // Reads every byte and compares it with the manifest; kCorrupt names the first damaged or
  // missing file, and files that do not belong to it.
  virtual Result<void> verify(const base::CheckpointId& id) = 0;
  // Removes a sealed checkpoint: first renamed out of sight, then deleted, so that a crash never
  // leaves half of one visible. Success if there is none.
  virtual Result<void> remove(const base::CheckpointId& id) = 0;
  // Ids of all sealed checkpoints, sorted.
  virtual Result<std::vector<base::CheckpointId>> list() = 0;
  // Removes what writers left behind that died before their seal. Never touches a live writer's
  // directory (each holds a lock). Returns how many were removed.
  virtual Result<int> sweep() = 0;
};

// Opens (and creates, mode 0700) the store below `root`.
Result<std::unique_ptr<CheckpointStore>> open_directory_store(std::filesystem::path root);

}  // namespace reprise::store
