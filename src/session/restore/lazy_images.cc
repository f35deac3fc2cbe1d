// SPDX-License-Identifier: Apache-2.0
#include "session/restore/lazy_images.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
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

std::uint64_t bytes_in(const image::CriuPagemap& pagemap) {
  std::uint64_t bytes = 0;
  for (const image::CriuPageRun& run : pagemap.runs)
    if (run.present) bytes += run.pages * pager::kPageBytes;
  return bytes;
}

// Of processes alone; each has its pages in a file of its own.
Result<Pagemaps> load_pagemaps(store::CheckpointReader& reader) {
  const pager::ReadImage read = image_reader(reader);
  Pagemaps pagemaps;
  std::set<std::string> pages;
  for (const image::ManifestFile& file : reader.manifest().files) {
    if (!file.name.starts_with(std::string(kImages) + "pagemap-")) continue;
    const std::string name = file.name.substr(kImages.size());
    const auto pid = process_of(name);
    image::CriuPagemap pagemap = pid ? REPRISE_PASS(pager::load_pagemap(read, *pid))
                                     : REPRISE_TRY(image::decode_pagemap(REPRISE_PASS(read(name))),
                                                   "reading '" + name + "'");
    if (!pages.insert(pager::pages_file(pagemap)).second)
      return fail(ErrorCode::kUnsupported,
                  "several page maps have '" + pager::pages_file(pagemap) + "'");
    if (!pid) continue;
    const auto bytes = bytes_of(reader.manifest(), pager::pages_file(pagemap));
    if (!bytes || *bytes < bytes_in(pagemap))
      return fail(ErrorCode::kUnsupported,
                  "'" + pager::pages_file(pagemap) + "' has less than '" + name + "' says");
    pagemaps.emplace(*pid, std::move(pagemap));
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

// kUnsupported, or as it says itself.
Result<void> check_can_be_lazy(Context& context, const image::Manifest& manifest) {
  // CRIU asks for userfaultfds from inside, where nobody may have one.
  const auto users = [](const image::ManifestFile& file) {
    return file.name.starts_with("criu/userns-");
  };
  if (std::ranges::any_of(manifest.files, users))
    return fail(ErrorCode::kUnsupported, "the container has a user namespace of its own");
  const auto claim = REPRISE_PASS(context.store.catalog.continuation(context.key()));
  if (claim && claim->attempts > 0) return fail(ErrorCode::kBusy, "an earlier attempt failed");
  return pager::check_support();
}

Result<LazyPlan> plan(Context& context, store::CheckpointReader& reader) {
  REPRISE_PASS(check_can_be_lazy(context, reader.manifest()));
  sys::FileLock hold = REPRISE_PASS(context.store.checkpoints->hold(reader.manifest().id));
  Pagemaps pagemaps = REPRISE_PASS(load_pagemaps(reader));
  return LazyPlan{.hold = std::move(hold), .pagemaps = std::move(pagemaps)};
}

}  // namespace

std::optional<LazyPlan> plan_laziness(Context& context, const Requested& requested,
                                      store::CheckpointReader& reader) {
  if (!requested.wishes.restore_lazily) return std::nullopt;
  Result<LazyPlan> planned = plan(context, reader);
  if (planned) return std::move(*planned);
  base::log(base::LogLevel::kWarn, "all memory is restored before the container runs",
            {{"reason", planned.error().message()}});
  return std::nullopt;
}

Result<fs::path> materialize_lazily(store::CheckpointReader& reader, const LazyPlan& plan) {
  const auto comes_later = [&](std::string_view name) {
    return std::ranges::any_of(
        plan.pagemaps, [&](const auto& one) { return pager::pages_file(one.second) == name; });
  };
  const fs::path images = REPRISE_PASS(
      reader.pages().materialize([&](std::string_view name) { return !comes_later(name); }));
  for (const auto& [pid, pagemap] : plan.pagemaps) {
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
