// SPDX-License-Identifier: Apache-2.0
#include "host/agent_presence.h"

#include <unistd.h>

#include <charconv>
#include <ctime>
#include <sstream>

#include "base/log.h"
#include "sys/exists.h"
#include "sys/files.h"
#include "sys/process.h"

namespace reprise::host {

using base::Result;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::filesystem::path;

namespace {

path mark_in(const path& store) { return store / "agent"; }
path away_note_of(const Layout& layout) { return layout.run / "agent-away"; }

// nullopt: there is no mark.
std::optional<seconds> patience_in(const path& store) {
  const auto there = sys::exists(mark_in(store));
  if (there && !*there) return std::nullopt;
  const auto text = sys::read_file(mark_in(store));
  if (!text && text.error().code() == base::ErrorCode::kNotFound) return std::nullopt;
  std::int64_t count = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), count).ec != std::errc())
    return kAgentAwayPatience;
  return seconds(count);
}

std::int64_t now_since_boot() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  constexpr std::int64_t kMillis = 1000;
  constexpr std::int64_t kNanosOfMilli = 1'000'000;
  return now.tv_sec * kMillis + now.tv_nsec / kNanosOfMilli;
}

std::optional<AwayNote> read_away_note(const Layout& layout) {
  const auto text = sys::read_file(away_note_of(layout));
  if (!text) return std::nullopt;
  std::istringstream words(*text);
  AwayNote note;
  words >> note.boot >> note.since >> note.last;
  return words ? std::optional(note) : std::nullopt;
}

}  // namespace

Result<void> expect_agent(const path& store, seconds patience) {
  if (patience <= seconds(0)) return expect_no_agent(store);
  return sys::replace_file(mark_in(store), std::to_string(patience.count()) + "\n");
}

Result<void> expect_no_agent(const path& store) { return sys::remove_tree(mark_in(store)); }

bool is_agent_expected(const path& store) { return patience_in(store).has_value(); }

AwayNote away_now(const std::optional<AwayNote>& before, const std::string& boot, std::int64_t now,
                  seconds patience) {
  // The kubelet tries again after five minutes at the latest.
  const std::int64_t quiet = milliseconds(patience + kAgentAwayPatience).count();
  const bool is_another = !before || before->boot != boot || before->since > now ||
                          before->last > now || now - before->last > quiet;
  return {.boot = boot, .since = is_another ? now : before->since, .last = now};
}

AgentAbsence note_agent_away(const Layout& layout) {
  const auto patience = patience_in(layout.store);
  if (!patience) return AgentAbsence::kNone;
  const auto boot = sys::boot_id();
  const AwayNote note =
      away_now(read_away_note(layout), boot.value_or("?"), now_since_boot(), *patience);
  std::ostringstream text;
  text << note.boot << ' ' << note.since << ' ' << note.last << '\n';
  base::warn_and_ignore(sys::replace_file(away_note_of(layout), text.str()),
                        "since when the agent is away is not noted");
  if (note.last - note.since < milliseconds(*patience).count()) return AgentAbsence::kExpected;
  base::warn_and_ignore(expect_no_agent(layout.store), "the agent is waited for again");
  return AgentAbsence::kOver;
}

void note_agent_there(const Layout& layout) { ::unlink(away_note_of(layout).c_str()); }

}  // namespace reprise::host
