// SPDX-License-Identifier: Apache-2.0
#include "host/filling.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "json/reader.h"
#include "json/writer.h"
#include "sys/exists.h"
#include "sys/files.h"

namespace reprise::host {

using base::Error;
using base::ErrorCode;
using base::Result;
using std::filesystem::path;

namespace {

// Beside the note; no name of a container has a '+'.
constexpr std::string_view kProgress = "+progress";
constexpr std::string_view kAwaited = "+awaited";

path file_beside(const Layout& layout, const Identity& who, std::string_view suffix) {
  path file = layout.filling_of(who);
  return file += suffix;
}

path progress_file(const Layout& layout, const Identity& who) {
  return file_beside(layout, who, kProgress);
}

// Never makes the file, as sys::FileLock::try_lock() would.
Result<sys::FileLock> lock_note(const path& note, std::chrono::milliseconds patience) {
  return sys::FileLock::lock_existing(note, patience);
}

}  // namespace

Result<Filling> is_filling(const Layout& layout, const Identity& who) {
  const path note = layout.filling_of(who);
  if (!REPRISE_PASS(sys::exists(note))) return Filling::kNo;
  const auto lock = lock_note(note, std::chrono::milliseconds{0});
  if (!lock && lock.error().code() == ErrorCode::kBusy) return Filling::kUnderWay;
  // It was removed just now.
  if (!REPRISE_PASS(sys::exists(note))) return Filling::kNo;
  if (!lock) return std::unexpected(lock.error());
  return Filling::kAbandoned;
}

Result<void> await_filled(const Layout& layout, const Identity& who,
                          std::chrono::milliseconds patience) {
  const path note = layout.filling_of(who);
  if (!REPRISE_PASS(sys::exists(note))) return {};
  // Else it goes at the pace that was asked for.
  static_cast<void>(sys::replace_file(file_beside(layout, who, kAwaited), "awaited\n"));
  const auto lock = lock_note(note, patience);
  if (!REPRISE_PASS(sys::exists(note))) return {};
  if (lock)
    return std::unexpected(
        Error(ErrorCode::kGone, "its memory was still being filled in, and nobody does that now")
            .with_hint("it is ended by the next 'reprise' command; 'reprise restore' goes on from "
                       "the checkpoint"));
  if (lock.error().code() != ErrorCode::kBusy) return std::unexpected(lock.error());
  const auto progress = filling_progress(layout, who);
  return std::unexpected(
      Error(ErrorCode::kBusy, "its memory is still being filled in after the restore" +
                                  (progress ? ": " + describe(*progress) : std::string()))
          .with_hint("try again when 'reprise ps' does not say 'filling' any more"));
}

Result<void> await_filler(const Layout& layout, const Identity& who) {
  const path note = layout.filling_of(who);
  const auto fd = sys::open_file(note, O_RDONLY);
  if (!fd && fd.error().code() == ErrorCode::kNotFound) return {};
  if (!fd) return std::unexpected(fd.error());
  while (::flock(fd->get(), LOCK_EX) != 0)
    if (errno != EINTR) return base::fail_errno(errno, "waiting for '" + note.string() + "'");
  return {};
}

Result<void> settle_filling(const Layout& layout, const Identity& who) {
  constexpr std::chrono::seconds kPatience{30};  // they end as soon as they have nobody to fill
  const auto lock = lock_note(layout.filling_of(who), kPatience);
  if (!lock && lock.error().code() == ErrorCode::kNotFound) return {};
  if (!lock)
    return std::unexpected(
        Error(lock.error()).with_step("waiting for what was to fill its memory"));
  forget_filling(layout, who);
  return {};
}

std::optional<FillingProgress> filling_progress(const Layout& layout, const Identity& who) {
  const auto text = sys::read_file(progress_file(layout, who));
  if (!text) return std::nullopt;
  const nlohmann::json json = json_reader::parse_or_discarded<nlohmann::json>(*text);
  if (!json.is_object()) return std::nullopt;
  const auto number = [&](const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
  };
  return FillingProgress{.missing = number("missing"),
                         .filled = number("filled"),
                         .trouble = json_reader::text_in(json, "trouble")};
}

std::string describe(const FillingProgress& progress) {
  constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20U;
  const auto mebibytes = [](std::uint64_t bytes) {
    return std::to_string((bytes + kMebibyte - 1) / kMebibyte);
  };
  return mebibytes(progress.missing) + " of " + mebibytes(progress.missing + progress.filled) +
         " MiB are missing" + (progress.trouble.empty() ? "" : ": " + progress.trouble);
}

// It is locked before it says anything: who finds one that is not settles it.
Result<sys::FileLock> note_filling(const Layout& layout, const WorkerRequest& request) {
  constexpr std::chrono::seconds kOthersLook{5};  // who asks whether it is held holds it for that
  const path note = layout.filling_of(identity_of(request));
  REPRISE_PASS(sys::make_directories(note.parent_path()));
  sys::FileLock lock = REPRISE_PASS(sys::FileLock::lock(note, kOthersLook));
  std::error_code ignored;  // of who waited for an earlier one until its end
  std::filesystem::remove(file_beside(layout, identity_of(request), kAwaited), ignored);
  REPRISE_TRY(
      sys::write_at(lock.fd().get(), 0, std::as_bytes(std::span<const char>(encode(request)))),
      "writing '" + note.string() + "'");
  return lock;
}

Result<void> report_filling(const Layout& layout, const Identity& who,
                            const FillingProgress& progress) {
  nlohmann::json json{{"missing", progress.missing}, {"filled", progress.filled}};
  json["trouble"] = progress.trouble;
  return sys::replace_file(progress_file(layout, who), json_writer::print(json));
}

bool is_awaited(const Layout& layout, const Identity& who) {
  return sys::exists(file_beside(layout, who, kAwaited)).value_or(false);
}

void forget_filling(const Layout& layout, const Identity& who) {
  std::error_code ignored;
  std::filesystem::remove(progress_file(layout, who), ignored);
  std::filesystem::remove(file_beside(layout, who, kAwaited), ignored);
  std::filesystem::remove(layout.filling_of(who), ignored);
}

namespace {

Result<std::vector<path>> notes(const Layout& layout) {
  const path directory = layout.run / "filling";
  std::vector<path> found;
  const auto names = sys::names_in(directory);
  if (!names && names.error().code() == ErrorCode::kNotFound) return found;
  for (const std::string& name : REPRISE_PASS(names))
    if (!name.contains(kProgress) && !name.contains(kAwaited))  // nor what replaces them just now
      found.push_back(directory / name);
  return found;
}

}  // namespace

Result<std::vector<UnderWay>> fillings(const Layout& layout) {
  std::vector<UnderWay> found;
  for (const path& note : REPRISE_PASS(notes(layout))) {
    const auto lock = lock_note(note, std::chrono::milliseconds{0});
    if (lock || lock.error().code() != ErrorCode::kBusy) continue;  // abandoned, or gone
    const auto text = sys::read_file(note);
    if (!text || text->empty()) continue;  // gone since, or just begun
    WorkerRequest request =
        REPRISE_TRY(decode_worker_request(*text), "reading '" + note.string() + "'");
    auto progress = filling_progress(layout, identity_of(request)).value_or(FillingProgress());
    found.push_back({.request = std::move(request), .progress = std::move(progress)});
  }
  return found;
}

Result<std::vector<AbandonedFilling>> abandoned_fillings(const Layout& layout) {
  std::vector<AbandonedFilling> abandoned;
  for (const path& note : REPRISE_PASS(notes(layout))) {
    auto lock = lock_note(note, std::chrono::milliseconds{0});
    if (!lock) continue;  // filled, or gone
    const auto text = sys::read_file(note);
    if (!text && text.error().code() == ErrorCode::kNotFound) continue;
    if (text && text->empty()) {  // of who was killed before it could say anything
      std::error_code ignored;
      std::filesystem::remove(note, ignored);
      continue;
    }
    WorkerRequest request =
        REPRISE_TRY(decode_worker_request(REPRISE_PASS(text)), "reading '" + note.string() + "'");
    abandoned.push_back({.request = std::move(request), .lock = std::move(*lock)});
  }
  return abandoned;
}

}  // namespace reprise::host
