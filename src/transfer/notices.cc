// SPDX-License-Identifier: Apache-2.0
#include "transfer/internal/notices.h"

#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/fault.h"
#include "base/id.h"
#include "json/lenient.h"
#include "json/reader.h"
#include "json/writer.h"
#include "sys/process.h"
#include "transfer/internal/names.h"

namespace reprise::transfer {

using base::Error;
using base::ErrorCode;
using base::fail;
using Json = nlohmann::json;

namespace {

constexpr const char* kFormat = "reprise-notice";
constexpr int kVersion = 1;
// Millions of objects.
constexpr std::size_t kLimit = std::size_t{256} << 20;
// Whoever posted one acts on it for an hour. Others heed it for a day: nobody stands still for the
// time between, and then goes on in the middle of a request.
constexpr std::int64_t kActedOnMs = 3'600'000;
constexpr base::UnixMillis kHeededMs = 24 * kActedOnMs;

// Goes on while the host sleeps.
std::int64_t uptime_ms() {
  constexpr std::int64_t kPerSecond = 1000;
  constexpr std::int64_t kNanosPerMilli = 1'000'000;
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return time.tv_sec * kPerSecond + time.tv_nsec / kNanosPerMilli;
}

// A pid says something only in the same namespace of the same boot.
Result<std::string> this_host() {
  std::error_code error;
  const auto pids = std::filesystem::read_symlink("/proc/self/ns/pid", error);
  return REPRISE_PASS(sys::boot_id()) + " " + pids.string();
}

Result<std::string> text_of(NoticeKind kind, const std::set<std::string>& objects) {
  const std::string host = REPRISE_PASS(this_host());
  const sys::ProcessRef self = REPRISE_PASS(sys::process_ref(::getpid()));
  return json_writer::print(Json{{"format", kFormat},
                                 {"version", kVersion},
                                 {"kind", kind == NoticeKind::kPush ? "push" : "gc"},
                                 {"host", host},
                                 {"pid", self.pid},
                                 {"start_ticks", self.start_ticks},
                                 {"objects", objects}});
}

Result<bool> has_died(const Json& notice) {
  if (json_reader::text_in(notice, "host") != REPRISE_PASS(this_host())) return false;
  return !sys::is_alive(
      {.pid = static_cast<pid_t>(json_reader::number_in(notice, "pid")),
       .start_ticks = static_cast<std::uint64_t>(json_reader::number_in(notice, "start_ticks"))});
}

// Adds what it says. False if its process has died.
Result<bool> take(const std::string& text, Notices& notices) {
  const Json notice = json_reader::parse_or_discarded(text);
  const std::string kind = json_reader::text_in(notice, "kind");
  const bool known = json_reader::text_in(notice, "format") == kFormat &&
                     json_reader::number_in(notice, "version") == kVersion &&
                     (kind == "push" || kind == "gc") && notice.contains("objects") &&
                     notice["objects"].is_array() &&
                     std::ranges::all_of(notice["objects"], &Json::is_string);
  if (!known) return fail(ErrorCode::kCorrupt, "it is none that this version of Reprise knows");
  if (REPRISE_PASS(has_died(notice))) return false;
  auto& objects = kind == "push" ? notices.pushes : notices.removals;
  for (const Json& object : notice["objects"]) objects.insert(object.get<std::string>());
  return true;
}

}  // namespace

PostedNotice::~PostedNotice() {
  if (!name_.empty()) (void)at_.remove(name_);
}

Result<void> PostedNotice::post(const std::set<std::string>& objects) {
  const std::string text = REPRISE_PASS(text_of(kind_, objects));
  const std::int64_t before = uptime_ms();
  const std::string name = kRemoteNotices + base::random_id();
  // One whose answer was lost is there all the same, and passed over some day: better than asking
  // a side that does not answer once more.
  REPRISE_PASS(at_.put(name, text));
  // Not replaced: some file systems may leave out of a list what is replaced at that moment.
  if (!name_.empty()) (void)at_.remove(name_);
  name_ = name;
  posted_ = before;
  return {};
}

bool PostedNotice::is_fresh() const {
  return uptime_ms() - posted_ < kActedOnMs && base::fault_point("notice-fresh");
}

Result<Notices> read_notices(remote::ObjectStore& at, const PostedNotice& own) {
  const auto listed = REPRISE_PASS(at.list(kRemoteNotices));
  const auto ours = std::ranges::find(listed, own.name(), &remote::ObjectInfo::name);
  if (ours == listed.end() || !ours->modified)
    return std::unexpected(
        Error(ErrorCode::kBusy, "'" + at.url() + "' does not list what was just put there")
            .with_hint("try again; a place whose lists lag behind cannot be used"));
  Notices notices{.now = *ours->modified};
  for (const remote::ObjectInfo& object : listed) {
    if (object.name == own.name()) continue;
    bool heeded = !object.modified || notices.now - *object.modified < kHeededMs;
    if (heeded) {
      const Result<std::string> text = at.get(object.name, kLimit);
      if (!text && text.error().code() == ErrorCode::kNotFound) continue;  // it is done
      REPRISE_PASS(text);
      heeded = REPRISE_TRY(take(*text, notices), "reading object '" + object.name + "'");
    }
    if (!heeded) notices.passed.push_back(object.name);
  }
  return notices;
}

}  // namespace reprise::transfer
