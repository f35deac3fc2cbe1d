// SPDX-License-Identifier: Apache-2.0
#include "session/restore/lazy_images.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "catalog/origin.h"
#include "image/manifest.h"
#include "pager/fault_descriptor.h"
#include "sys/files.h"

namespace reprise::session {

using base::ErrorCode;
using base::fail;
using base::fail_errno;
using base::Result;
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kImages = "criu/";

std::optional<std::uint64_t> bytes_of(const image::Manifest& manifest, const std::string& name) {
  const auto file =
      std::ranges::find(manifest.files, std::string(kImages) + name, &image::ManifestFile::name);
  if (file == manifest.files.end()) return std::nullopt;
  return file->bytes;
}

// Of "pagemap-17.img", not of "pagemap-shmem-17.img".
std::optional<std::uint32_t> process_of(std::string_view name) {
  constexpr std::string_view kBegin = "pagemap-";
  constexpr std::string_view kEnd = ".img";
  if (!name.starts_with(kBegin) || !name.ends_with(kEnd)) return std::nullopt;
  name.remove_prefix(kBegin.size());
  name.remove_suffix(kEnd.size());
  std::uint32_t pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return pid;
}

using Pagemaps = std::map<std::uint32_t, image::CriuPagemap>;

Result<Pagemaps> load_pagemaps(store::CheckpointReader& reader) {
  Pagemaps pagemaps;
  for (const image::ManifestFile& file : reader.manifest().files) {
    if (!file.name.starts_with(kImages)) continue;
    const auto pid = process_of(std::string_view(file.name).substr(kImages.size()));
    if (!pid) continue;
    pagemaps.emplace(*pid, REPRISE_PASS(pager::load_pagemap(image_reader(reader), *pid)));
  }
  return pagemaps;
}

// A file with the pages that are restored at once, where they belong.
Result<void> write_eager(store::CheckpointReader& reader, const image::CriuPagemap& pagemap,
                         const fs::path& images) {
  const std::string name = pager::pages_file(pagemap);
  const auto bytes = bytes_of(reader.manifest(), name);
  if (!bytes) return fail(ErrorCode::kCorrupt, "the checkpoint has no image '" + name + "'");
  const sys::UniqueFd fd =
      REPRISE_PASS(sys::open_file(images / name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW));
  if (::ftruncate(fd.get(), static_cast<off_t>(*bytes)) != 0)
    return fail_errno(errno, "making '" + name + "'");
  constexpr std::size_t kMost = std::size_t{1} << 20U;
  std::vector<std::byte> buffer(kMost);
  for (const pager::PageRange& range : pager::eager_ranges(pagemap)) {
    for (std::uint64_t done = 0; done < range.bytes; done += kMost) {
      const auto part = std::span(buffer).first(std::min<std::uint64_t>(kMost, range.bytes - done));
      REPRISE_PASS(reader.pages().read(name, range.offset + done, part));
      REPRISE_TRY(sys::write_at(fd.get(), range.offset + done, part), "writing '" + name + "'");
    }
  }
  return {};
}

// Why memory cannot come later; nullopt if it can.
std::optional<std::string> obstacle_to_laziness(const Context& context,
                                                const image::Manifest& manifest) {
  const auto own = catalog::is_made_here(context.layout.store, manifest.id);
  if (!own || !*own || manifest.trigger == image::Trigger::kImport)
    return "the checkpoint was not made on this host";
  // CRIU asks for userfaultfds from inside, where nobody may have one.
  const auto users = [](const image::ManifestFile& file) {
    return file.name.starts_with("criu/userns-");
  };
  if (std::ranges::any_of(manifest.files, users))
    return "the container has a user namespace of its own";
  if (const auto can = pager::check_support(); !can) return can.error().message();
  return std::nullopt;
}

}  // namespace

std::optional<sys::FileLock> hold_for_pager(const Context& context, const Requested& requested,
                                            const store::CheckpointReader& reader) {
  if (!requested.wishes.restore_lazily) return std::nullopt;
  const auto obstacle = obstacle_to_laziness(context, reader.manifest());
  Result<sys::FileLock> hold = obstacle ? fail(ErrorCode::kUnsupported, *obstacle)
                                        : context.store.checkpoints->hold(reader.manifest().id);
  if (hold) return std::move(*hold);
  base::log(base::LogLevel::kWarn, "all memory is restored before the container runs",
            {{"reason", hold.error().message()}});
  return std::nullopt;
}

Result<fs::path> materialize_lazily(store::CheckpointReader& reader) {
  const Pagemaps pagemaps = REPRISE_PASS(load_pagemaps(reader));
  const auto comes_later = [&](std::string_view name) {
    return std::ranges::any_of(
        pagemaps, [&](const auto& one) { return pager::pages_file(one.second) == name; });
  };
  const fs::path images = REPRISE_PASS(
      reader.pages().materialize([&](std::string_view name) { return !comes_later(name); }));
  for (const auto& [pid, pagemap] : pagemaps) {
    REPRISE_PASS(write_eager(reader, pagemap, images));
    // It may have more that is not lazy than CRIU thought.
    REPRISE_PASS(sys::replace_file(images / ("pagemap-" + std::to_string(pid) + ".img"),
                                   image::encode_pagemap(pagemap)));
  }
  return images;
}

pager::ReadImage image_reader(store::CheckpointReader& reader) {
  return [&reader](const std::string& name) -> Result<std::string> {
    const auto bytes = bytes_of(reader.manifest(), name);
    if (!bytes) return fail(ErrorCode::kCorrupt, "the checkpoint has no image '" + name + "'");
    std::string text(*bytes, '\0');
    REPRISE_PASS(reader.pages().read(name, 0, std::as_writable_bytes(std::span<char>(text))));
    return text;
  };
}

}  // namespace reprise::session
