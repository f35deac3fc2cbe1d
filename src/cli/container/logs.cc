// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <memory>
#include <optional>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/output.h"
#include "json/reader.h"
#include "json/writer.h"
#include "operations/container/containers.h"
#include "operations/container/session_logs.h"
#include "store/open_catalog.h"

namespace reprise::cli {
namespace {

constexpr int kListed = 20;

struct Options {
  std::string session;
  bool json = false;
};

void print_list(std::ostream& out, catalog::Catalog& catalog,
                const std::vector<catalog::SessionRow>& sessions) {
  Table table({"SESSION", "CONTAINER", "KIND", "TRIGGER", "STATUS", "AGE", "TOOK", "REASON"});
  const base::UnixMillis now = base::now_unix_millis();
  for (const catalog::SessionRow& row : sessions)
    table.add({row.id.str(), operations::name_of(catalog, row.key),
               std::string(to_string(row.kind)), row.trigger.empty() ? "-" : row.trigger,
               std::string(to_string(row.status)), base::to_age(row.begin, now),
               row.end == 0 ? "-" : format_duration(row.end - row.begin), row.reason});
  table.print(out);
}

Result<int> list(const Options& options, Context& context, catalog::Catalog& catalog) {
  const auto sessions = REPRISE_PASS(catalog.sessions(kListed));
  if (!options.json) {
    print_list(context.io.out, catalog, sessions);
    return kDone;
  }
  Json records = Json::array();
  for (const catalog::SessionRow& row : sessions) records.push_back(to_json(row));
  print_json(context.io.out, {{"sessions", std::move(records)}});
  return kDone;
}

void print_header(std::ostream& out, catalog::Catalog& catalog, const catalog::SessionRow& row) {
  out << to_string(row.kind) << " of '" << operations::name_of(catalog, row.key) << "', session "
      << row.id.str() << ", begun " << base::to_iso8601(row.begin) << ": " << to_string(row.status);
  if (row.end != 0) out << " after " << format_duration(row.end - row.begin);
  out << '\n';
  if (!row.checkpoint.empty()) out << "checkpoint: " << row.checkpoint.str() << '\n';
  if (!row.reason.empty()) out << "reason: " << row.reason << '\n';
  if (!row.hint.empty()) out << "hint: " << row.hint << '\n';
}

void print_phases(std::ostream& out, const std::string& phases) {
  const Json document = json_reader::parse_or_discarded<Json>(phases);
  if (!document.is_object() || document.empty()) return;
  out << '\n';
  Table table({"PHASE", "TOOK"});
  for (const auto& [name, ms] : document.items())
    table.add(
        {name, ms.is_number() ? format_duration(ms.get<std::int64_t>()) : json_writer::print(ms)});
  table.print(out);
}

void print_session(std::ostream& out, catalog::Catalog& catalog, const catalog::SessionRow& row,
                   const operations::SessionLogs& logs) {
  print_header(out, catalog, row);
  if (logs.cause) {
    out << "cause: " << logs.cause->line << "  (" << logs.cause_file << ")\n";
    if (!logs.cause->hint.empty() && logs.cause->hint != row.hint)
      out << "hint: " << logs.cause->hint << '\n';
  }
  print_phases(out, row.phases);
  for (const operations::LogFile& file : logs.files) {
    out << "\n--- " << file.path.string() << '\n' << file.text;
    if (!file.text.ends_with('\n')) out << '\n';
  }
  if (logs.files.empty()) out << "\nno logs are left in '" << row.log_directory << "'\n";
}

Json json_of(const catalog::SessionRow& row, const operations::SessionLogs& logs) {
  Json files = Json::array();
  for (const operations::LogFile& file : logs.files)
    files.push_back({{"path", file.path.string()}, {"bytes", file.text.size()}});
  Json cause = nullptr;
  if (logs.cause)
    cause = {{"file", logs.cause_file}, {"line", logs.cause->line}, {"hint", logs.cause->hint}};
  return {{"session", to_json(row)}, {"cause", std::move(cause)}, {"logs", std::move(files)}};
}

Result<int> show(const Options& options, Context& context, catalog::Catalog& catalog) {
  const catalog::SessionRow row = REPRISE_PASS(operations::find_session(catalog, options.session));
  const operations::SessionLogs logs = REPRISE_PASS(operations::load_session_logs(
      row.log_directory, row.status == catalog::SessionStatus::kOk ? operations::Cause::kNone
                                                                   : operations::Cause::kFind));
  if (options.json)
    print_json(context.io.out, json_of(row, logs));
  else
    print_session(context.io.out, catalog, row, logs);
  return kDone;
}

Result<int> run(const Options& options, Context& context) {
  const std::string cannot =
      options.session.empty() ? "cannot list sessions" : "cannot show '" + options.session + "'";
  if (options.session.empty() &&
      !REPRISE_TRY(catalog::Catalog::exists(context.node.layout.store), cannot)) {
    print_no_store(context);
    if (options.json) print_json(context.io.out, {{"sessions", Json::array()}});
    return kDone;
  }
  catalog::Catalog catalog = REPRISE_TRY(store::open_existing_catalog(context.node.store), cannot);
  if (options.session.empty()) {
    print_failing_uploads(context);
    return REPRISE_TRY(list(options, context, catalog), cannot);
  }
  return REPRISE_TRY(show(options, context, catalog), cannot);
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_option(
      "SESSION", options->session,
      "id, or unique beginning of one, or a container's name: its newest; none lists the last");
  arguments.add_flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run(*options, context); };
}

}  // namespace

constinit const Command kLogs = {
    .path = "logs",
    .summary = "Show what happened in a session, with our log and CRIU's",
    .details =
        R"(Without SESSION, the last sessions are listed. For a session that failed, the line of CRIU's log
that matters stands on top.

Example:
  reprise logs a1b2
  reprise logs web)",
    .configure = configure,
};

}  // namespace reprise::cli
