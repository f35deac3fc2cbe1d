// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/scope_exit.h"

namespace reprise::base {
namespace {

std::shared_ptr<spdlog::logger>& logger() {
  static std::shared_ptr<spdlog::logger> instance;
  return instance;
}

std::string_view name_of(LogLevel level) {
  constexpr std::string_view kNames[] = {"debug", "info", "warn", "error", "bug"};
  return kNames[static_cast<unsigned>(level)];
}

// "2026-11-23T23:20:15.042Z": for people who read the log as it is.
std::string readable(UnixMillis time) {
  constexpr UnixMillis kSecond = 1000;
  std::string text = to_iso8601(time);
  const std::string fraction = std::to_string(kSecond + time % kSecond);
  text.replace(text.size() - 1, 1, "." + fraction.substr(1) + "Z");
  return text;
}

}  // namespace

void open_log(const std::string& path) noexcept {
  try {
    // spdlog creates files by the umask; a log names containers and must not be world readable.
    const mode_t old_mask = ::umask(0077);
    const ScopeExit restore_mask([old_mask] { ::umask(old_mask); });
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
    logger() = std::make_shared<spdlog::logger>("reprise", std::move(sink));
    // By default spdlog reports its own failures on stderr, which is not ours.
    logger()->set_error_handler([](const std::string&) {});
    logger()->set_pattern("%v");
    logger()->set_level(spdlog::level::trace);
    logger()->flush_on(spdlog::level::trace);
  } catch (...) {  // a missing log must never stop a session
    logger().reset();
  }
}

void log(LogLevel level, std::string_view message, const LogFields& fields) noexcept {
  if (logger() == nullptr) return;
  try {
    nlohmann::ordered_json line;
    const UnixMillis now = now_unix_millis();
    line["time"] = readable(now);
    line["time_ms"] = now;
    line["level"] = name_of(level);
    line["msg"] = message;
    for (const auto& [key, value] : fields) line[std::string(key)] = value;
    constexpr auto kReplace = nlohmann::ordered_json::error_handler_t::replace;
    logger()->info(line.dump(-1, ' ', false, kReplace));
  } catch (...) {  // NOLINT(bugprone-empty-catch): dropped by contract
  }
}

}  // namespace reprise::base
