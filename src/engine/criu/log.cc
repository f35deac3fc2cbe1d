// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/log.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "image/criu_log.h"
#include "sys/files.h"

namespace reprise::engine {

using base::Error;
using base::Result;

namespace {

// What led there is not always the first error, nor the last.
Error unknown_cause(Error error, std::string_view log, const std::filesystem::path& file) {
  constexpr std::size_t kErrors = 8;
  Error told(error.code(),
             "CRIU gave up for a cause that Reprise does not know; what it said is in '" +
                 file.string() + "'");
  told = std::move(told).with_hint("'reprise logs' shows it; please report that");
  for (std::string& line : image::last_errors(log, kErrors))
    told = std::move(told).with_suppressed(Error(error.code(), "CRIU says: " + std::move(line)));
  return std::move(told).with_suppressed(std::move(error));
}

}  // namespace

bool was_cut_off(const std::filesystem::path& restore_log) {
  const Result<std::string> log = sys::read_file(restore_log);
  if (!log || log->empty() || log->contains("Restoring FAILED")) return false;
  // Those are the last words of CRIU 4.2 (cr-restore.c) once it has begun with the tasks: without
  // them it was killed, also after an error. Before that it gives up with its last error.
  if (log->contains("Forking task")) return true;
  const std::size_t end = log->find_last_not_of('\n');
  const std::size_t begin = log->find_last_of('\n', end);
  const std::string_view last =
      std::string_view(*log).substr(begin == std::string::npos ? 0 : begin + 1);
  return !last.contains("Error (");
}

Error with_criu_cause(Error error, const std::filesystem::path& file) {
  const Result<std::string> log = sys::read_file(file);
  if (!log) return error;
  const std::optional<image::CriuFinding> cause = image::find_cause(*log);
  if (!cause) return error;
  const std::size_t colon = cause->hint.find(": ");
  if (colon == std::string::npos) return unknown_cause(std::move(error), *log, file);
  // In its own words for who reads the log: people get ours, the cause before the remedy.
  Error raw(error.code(), "CRIU says: " + cause->line);
  return Error(error.code(), cause->hint.substr(0, colon))
      .with_hint(cause->hint.substr(colon + 2))
      .with_suppressed(std::move(raw))
      .with_suppressed(std::move(error));
}

}  // namespace reprise::engine
