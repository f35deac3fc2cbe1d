// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <future>
#include <map>
#include <optional>
#include <span>
#include <system_error>

#include "base/fault.h"
#include "pages/page_writer.h"
#include "store/adopt_key.h"
#include "store/intake.h"
#include "store/move_blocks.h"
#include "store/open_store.h"
#include "store/staging_place.h"
#include "sys/files.h"
#include "sys/memory.h"

namespace reprise::store {

using base::CheckpointId;
using base::ErrorCode;
using base::fail;
using base::fail_errno;
namespace fs = std::filesystem;

namespace {

// The regular files of a directory, sorted by name.
Result<std::vector<std::string>> files_in(const path& directory) {
  std::vector<std::string> names = REPRISE_PASS(sys::names_in(directory));
  for (const std::string& name : names) {
    std::error_code error;
    const fs::file_type type = fs::symlink_status(directory / name, error).type();
    if (error) return fail_errno(error.value(), "looking at '" + name + "'");
    if (type != fs::file_type::regular)
      return fail(ErrorCode::kUnsupported, "'" + name + "' is not a regular file");
  }
  return names;
}

// Puts the files of a directory into the store and deletes each as soon as it was read: their space
// may be memory.
Result<void> consume(pages::PageWriter& pages, const path& directory, const std::string& prefix) {
  for (const std::string& name : REPRISE_PASS(files_in(directory))) {
    const sys::UniqueFd fd = REPRISE_PASS(sys::open_file(directory / name, O_RDONLY | O_NOFOLLOW));
    REPRISE_PASS(pages.add_file(prefix + name, fd.get()));
    REPRISE_PASS(sys::remove_tree(directory / name));
  }
  return {};
}

constexpr int kPipeBytes = 1 << 20;

// `waiting`: what comes is stored at once.
class Spool final : public image::PageSink {
 public:
  Spool(const StagingPlace& place, pages::PageWriter& pages, bool waiting)
      : place_(place), pages_(pages), intake_(pages, waiting ? no_memory : sys::available_memory) {}

  [[nodiscard]] const path& spool() const override { return place_.spool(); }
  Result<void> restart() override {
    intake_.restart();
    return sys::empty_directory(spool());
  }
  Result<void> begin_pages(std::string name) override {
    return intake_.begin(kImages + std::move(name));
  }
  std::span<std::byte> room() override { return intake_.room(); }
  Result<void> take(std::size_t bytes) override { return intake_.take(bytes); }

  Result<void> absorb() override {
    if (absorbed_) return fail(ErrorCode::kInternal, "the pages were absorbed already");
    absorbed_ = true;
    REPRISE_TRY(intake_.finish(), "storing what came in pieces");
    REPRISE_TRY(consume(pages_, spool(), kImages), "taking what CRIU wrote");
    return {};
  }
  // All that can be read from `fd`, as file `name`.
  Result<void> take_stream(std::string name, int fd) {
    if (absorbed_) return fail(ErrorCode::kInternal, "'" + name + "' comes too late");
    REPRISE_PASS(intake_.begin(std::move(name)));
    for (;;) {
      const auto room = std::as_writable_bytes(intake_.room());
      const ssize_t n = ::read(fd, room.data(), room.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail_errno(errno, "reading from a pipe");
      if (n == 0) return {};
      REPRISE_PASS(intake_.take(static_cast<std::size_t>(n)));
    }
  }
  // Catches a spool that was never absorbed, or written to afterwards.
  [[nodiscard]] Result<void> check_empty() const {
    if (REPRISE_PASS(sys::names_in(spool())).empty()) return {};
    return fail(ErrorCode::kInternal, "'" + spool().string() + "' was not absorbed");
  }

 private:
  static std::uint64_t no_memory() { return 0; }
  static constexpr const char* kImages = "criu/";

  const StagingPlace& place_;
  pages::PageWriter& pages_;
  Intake intake_;
  bool absorbed_ = false;
};

// A file in memory, without a name.
Result<sys::UniqueFd> in_memory(const std::string& contents) {
  sys::UniqueFd fd(::memfd_create("reprise-part", MFD_CLOEXEC));
  if (!fd.valid()) return fail_errno(errno, "keeping a part in memory");
  REPRISE_PASS(sys::write_at(fd.get(), 0, std::as_bytes(std::span(contents))));
  return fd;
}

class Writer final : public CheckpointWriter {
 public:
  Writer(std::shared_ptr<const OpenStore> store, StagingPlace place, pages::PageIndex index,
         bool waiting)
      : store_(std::move(store)),
        place_(std::move(place)),
        index_(std::move(index)),
        pages_(store_->keys, index_, new_packs(),
               waiting ? pages::Effort::kFast : pages::Effort::kSmall),
        spool_(place_, pages_, waiting) {}

  Result<void> make_directories() {
    REPRISE_PASS(sys::make_directories(parts()));
    return sys::make_directories(new_packs());
  }
  [[nodiscard]] const CheckpointId& id() const override { return place_.id(); }
  image::PageSink& pages() override { return spool_; }
  Result<path> part(std::string_view name) override {
    return parts() / REPRISE_PASS(base::parse_id(name));
  }
  Result<void> stream_part(std::string_view name, const WritePart& write) override;
  Result<void> keep_part(std::string_view name, std::string contents) override {
    kept_[REPRISE_PASS(base::parse_id(name))] = std::move(contents);
    return {};
  }
  Result<image::Manifest> seal(image::Manifest manifest) override {
    return REPRISE_TRY(seal_steps(std::move(manifest)), "sealing checkpoint '" + id().str() + "'");
  }
  [[nodiscard]] std::uint64_t stored_bytes() const override {
    return pages::stored_bytes_of(pages_.blocks());
  }
  Result<void> settle() override {
    if (!sealed_) return fail(ErrorCode::kInternal, "the checkpoint is not sealed");
    REPRISE_TRY(pages_.tell_index(), "noting the pages of checkpoint '" + id().str() + "'");
    return {};
  }

 private:
  [[nodiscard]] path parts() const { return place_.directory() / "parts"; }
  [[nodiscard]] path new_packs() const { return place_.directory() / "packs"; }
  Result<image::Manifest> seal_steps(image::Manifest manifest);
  pages::Contents contents(image::Manifest manifest) const;

  std::shared_ptr<const OpenStore> store_;
  StagingPlace place_;
  pages::PageIndex index_;
  pages::PageWriter pages_;
  Spool spool_;
  std::map<std::string, std::string> kept_;  // parts
  bool sealed_ = false;
};

Result<void> Writer::stream_part(std::string_view name, const WritePart& write) {
  const std::string file = "parts/" + std::string(REPRISE_PASS(base::parse_id(name)));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno(errno, "making a pipe");
  sys::UniqueFd in(ends[0]);
  sys::UniqueFd out(ends[1]);
  // Fewer turns for both sides; where it is not allowed, the default will do.
  (void)::fcntl(in.get(), F_SETPIPE_SZ, kPipeBytes);
  auto written = std::async(std::launch::async, [&write, out = std::move(out)]() mutable {
    Result<void> wrote = write(out.get());
    out.reset();  // the end of what can be read
    return wrote;
  });
  Result<void> taken = spool_.take_stream(file, in.get());
  in.reset();  // whoever writes still hears of it
  Result<void> wrote = written.get();
  return taken ? std::move(wrote) : std::move(taken);
}

Result<image::Manifest> Writer::seal_steps(image::Manifest manifest) {
  if (sealed_) return fail(ErrorCode::kInternal, "the checkpoint was sealed already");
  manifest.id = id();
  REPRISE_PASS(spool_.check_empty());
  REPRISE_PASS(consume(pages_, parts(), "parts/"));
  for (const auto& [name, contents] : kept_) {
    const sys::UniqueFd file = REPRISE_PASS(in_memory(contents));
    REPRISE_PASS(pages_.add_file("parts/" + name, file.get()));
  }
  REPRISE_PASS(base::fault_point("seal-digested"));
  REPRISE_PASS(pages_.finish());
  REPRISE_PASS(base::fault_point("seal-synced"));
  const pages::Contents all = contents(std::move(manifest));
  std::string text = REPRISE_PASS(pages::seal_contents(store_->keys, all));
  REPRISE_PASS(publish_checkpoint(store_->layout, {.staged = place_.directory(),
                                                   .new_packs = new_packs(),
                                                   .packs = pages_.new_packs(),
                                                   .id = id(),
                                                   .text = std::move(text)}));
  sealed_ = true;
  // The manifest as it will be read.
  return image::decode_manifest(image::encode_manifest(all.manifest));
}

pages::Contents Writer::contents(image::Manifest manifest) const {
  pages::Contents all{.manifest = std::move(manifest), .blocks = pages_.blocks(), .files = {}};
  all.manifest.files = pages_.manifest_files();
  all.files = pages_.stored_files();
  std::ranges::sort(all.manifest.files, {}, &image::ManifestFile::name);
  std::ranges::sort(all.files, {}, &pages::StoredFile::name);
  return all;
}

}  // namespace

Result<std::unique_ptr<CheckpointWriter>> begin_checkpoint(std::shared_ptr<const OpenStore> store,
                                                           CheckpointStore::Beginning how) {
  StagingPlace place =
      REPRISE_TRY(StagingPlace::make(store->layout, how.in_files), "beginning a checkpoint");
  REPRISE_TRY(check_key(*store), "beginning a checkpoint");
  pages::PageIndex index =
      REPRISE_PASS(pages::PageIndex::open(store->layout.root, store->keys.pages));
  auto writer =
      std::make_unique<Writer>(std::move(store), std::move(place), std::move(index), how.waiting);
  REPRISE_TRY(writer->make_directories(), "beginning checkpoint '" + writer->id().str() + "'");
  return writer;
}

}  // namespace reprise::store
