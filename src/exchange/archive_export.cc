// SPDX-License-Identifier: Apache-2.0
#include "exchange/archive_export.h"

#include <fcntl.h>

#include <nlohmann/json.hpp>

#include "archive/entry_name.h"
#include "archive/members.h"
#include "archive/rootfs_changes.h"
#include "image/part_names.h"
#include "json/writer.h"
#include "sys/files.h"

namespace reprise::exchange {

using archive::Entry;
using archive::TarWriter;
using base::ErrorCode;
using base::Result;

namespace {

class Export {
 public:
  Export(store::CheckpointReader& checkpoint, TarWriter writer, const archive::PodmanDump& dump)
      : checkpoint_(checkpoint), writer_(std::move(writer)), dump_(dump) {}

  // What Podman reads before the rest stands first, so that it need not unpack the memory twice.
  Result<void> run() {
    REPRISE_PASS(write_text(archive::kConfigDump, dump_.config));
    REPRISE_PASS(write_spec());
    if (!dump_.network.empty()) REPRISE_PASS(write_text(archive::kNetworkStatus, dump_.network));
    REPRISE_PASS(write_rootfs());
    if (const auto shm = REPRISE_PASS(part(image::kShmPart)))
      REPRISE_PASS(write_file(archive::kShm, *shm));
    REPRISE_PASS(write_images());
    return writer_.finish();
  }

 private:
  Result<std::optional<std::filesystem::path>> part(std::string_view name);
  Result<void> begin_file(std::string_view name, std::uint64_t bytes);
  Result<void> write_text(std::string_view name, std::string_view text);
  Result<void> write_file(std::string_view name, const std::filesystem::path& file);
  Result<void> write_spec();
  Result<void> write_rootfs();
  Result<void> write_images();

  store::CheckpointReader& checkpoint_;
  TarWriter writer_;
  const archive::PodmanDump& dump_;
};

Result<std::optional<std::filesystem::path>> Export::part(std::string_view name) {
  return checkpoint_.find_part(name);
}

Result<void> Export::begin_file(std::string_view name, std::uint64_t bytes) {
  constexpr std::int64_t kMillis = 1000;
  Entry entry = Entry::file(std::string(name), bytes);
  entry.set_mtime(checkpoint_.manifest().created / kMillis, 0);
  return writer_.begin(entry);
}

Result<void> Export::write_text(std::string_view name, std::string_view text) {
  REPRISE_PASS(begin_file(name, text.size()));
  return writer_.write(text);
}

Result<void> Export::write_file(std::string_view name, const std::filesystem::path& file) {
  const sys::UniqueFd fd = REPRISE_PASS(sys::open_file(file, O_RDONLY));
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(file, error);
  if (error) return base::fail_errno(error.value(), "reading '" + file.string() + "'");
  REPRISE_PASS(begin_file(name, size));
  REPRISE_PASS(
      archive::copy_contents(archive::read_from(fd.get()),
                             [this](std::span<const char> data) { return writer_.write(data); }));
  return {};
}

Result<void> Export::write_spec() {
  const auto spec = REPRISE_PASS(part(image::kSpecPart));
  if (spec) return write_file(archive::kSpecDump, *spec);
  return base::fail(ErrorCode::kUnsupported,
                    "it has no 'config.json', which Podman needs: it was taken by an older version "
                    "of Reprise");
}

// A tar archive states the size of a member before its contents: the changes are translated twice,
// once to be counted. They are small beside the memory, and the second time in the page cache.
Result<void> Export::write_rootfs() {
  const auto upper = REPRISE_PASS(part(image::kRootfsPart));
  if (!upper) return {};
  const auto translate = [&upper](const archive::WriteBytes& sink) {
    const auto fd = sys::open_file(*upper, O_RDONLY);
    if (!fd) return Result<std::vector<std::string>>(std::unexpected(fd.error()));
    return archive::write_podman_changes(archive::read_from(fd->get()), sink);
  };
  std::uint64_t bytes = 0;
  const auto deleted = REPRISE_TRY(translate([&](std::span<const char> data) -> Result<void> {
                                     bytes += data.size();
                                     return {};
                                   }),
                                   "reading the root file system changes");
  REPRISE_PASS(begin_file(archive::kRootfsDiff, bytes));
  REPRISE_TRY(translate([this](std::span<const char> data) { return writer_.write(data); }),
              "copying the root file system changes");
  if (deleted.empty()) return {};
  return write_text(archive::kDeletedFiles, json_writer::print(nlohmann::json(deleted)));
}

Result<void> Export::write_images() {
  const std::filesystem::path images = REPRISE_PASS(checkpoint_.pages().materialize());
  const std::string prefix = std::string(archive::kImages) + "/";
  REPRISE_PASS(writer_.begin(Entry::directory(std::string(archive::kImages))));
  constexpr std::string_view kOurs = "criu/";
  for (const image::ManifestFile& file : checkpoint_.manifest().files) {
    if (!file.name.starts_with(kOurs)) continue;
    const std::string name = file.name.substr(kOurs.size());
    REPRISE_PASS(write_file(prefix + name, images / name));
  }
  return {};
}

}  // namespace

Result<void> export_archive(store::CheckpointReader& checkpoint, ExportRequest request) {
  TarWriter writer = REPRISE_PASS(TarWriter::open(std::move(request.sink), request.compression));
  return Export(checkpoint, std::move(writer), request.dump).run();
}

}  // namespace reprise::exchange
