// SPDX-License-Identifier: Apache-2.0
#include "podman/client.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <sstream>
#include <string_view>
#include <utility>

#include "sys/files.h"
#include "sys/port_holder.h"

namespace reprise::podman {

using base::Error;
using base::ErrorCode;

namespace {

// A file without a name: it cannot fill up as a pipe does while we wait for something else.
Result<sys::UniqueFd> unnamed_file() {
  std::error_code error;
  std::filesystem::path directory = std::filesystem::temp_directory_path(error);
  if (error) directory = "/tmp";
  return sys::open_file(directory, O_TMPFILE | O_RDWR);
}

Result<std::string> contents(const sys::UniqueFd& fd) {
  if (!fd.valid()) return std::string();
  return sys::read_file("/proc/self/fd/" + std::to_string(fd.get()));
}

// Podman warns about cgroup v1 on every call, which would bury what it has to say.
std::vector<std::string> environment() {
  return sys::default_environment({{"PODMAN_IGNORE_CGROUPSV1_WARNING", "1"}});
}

Error not_installed(Error error) {
  if (error.code() != ErrorCode::kNotFound) return error;
  return Error(ErrorCode::kUnsupported, "'podman' is not installed")
      .with_hint("install the package 'podman'");
}

Result<sys::Child> spawn(const sys::SpawnOptions& options) {
  Result<sys::Child> child = sys::Child::spawn(options);
  if (!child) return std::unexpected(not_installed(std::move(child).error()));
  return child;
}

// Podman has one exit status for nearly everything, so its words must do (4.3 to 5.4).
ErrorCode code_of(std::string_view message) {
  struct Rule {
    std::string_view words;
    ErrorCode code;
  };
  constexpr std::array<Rule, 7> kRules = {{
      {"no such container", ErrorCode::kNotFound},
      {"no such object", ErrorCode::kNotFound},
      {"no container with name or ID", ErrorCode::kNotFound},
      {"no such image", ErrorCode::kNotFound},
      {"image not known", ErrorCode::kNotFound},
      {"is already in use", ErrorCode::kBusy},
      {"permission denied", ErrorCode::kDenied},
  }};
  for (const Rule& rule : kRules)
    if (message.find(rule.words) != std::string_view::npos) return rule.code;
  return ErrorCode::kIo;
}

// "listen tcp4 127.0.0.1:8080: bind: address already in use". Empty for other messages.
std::string remedy_of(std::string_view message) {
  const std::size_t end = message.find(": bind: address already in use");
  if (end == std::string_view::npos) return {};
  const std::size_t colon = message.substr(0, end).rfind(':');
  if (colon == std::string_view::npos) return {};
  std::uint16_t port = 0;
  const char* const first = message.data() + colon + 1;
  const char* const last = message.data() + end;
  if (const auto read = std::from_chars(first, last, port);
      read.ec != std::errc() || read.ptr != last)
    return {};
  const auto transport =
      message.substr(0, end).contains("listen udp") ? sys::Transport::kUdp : sys::Transport::kTcp;
  const auto holder = sys::find_port_holder("/proc/self/ns/net", transport, port);
  const std::string who = holder ? "process '" + holder->name + "' (pid " +
                                       std::to_string(holder->pid) + ") has that port"
                                 : "something else has that port";
  return who + ": end it, or publish another one";
}

}  // namespace

Result<Invocation> Invocation::begin(std::vector<std::string> argv, ErrorOutput error_output,
                                     Terminal terminal) {
  sys::UniqueFd out = REPRISE_TRY(unnamed_file(), "keeping the output of 'podman'");
  sys::UniqueFd err;
  if (error_output == ErrorOutput::kCapture)
    err = REPRISE_TRY(unnamed_file(), "keeping the output of 'podman'");
  sys::SpawnOptions options;
  options.argv = std::move(argv);
  options.env = environment();
  options.stdio = error_output == ErrorOutput::kPass ? sys::Stdio::kInherit : sys::Stdio::kNull;
  options.fds = {{out.get(), 1}};
  options.new_session = terminal == Terminal::kNone;
  if (err.valid()) options.fds.emplace_back(err.get(), 2);
  sys::Child child = REPRISE_PASS(spawn(options));
  return Invocation(std::move(child), std::move(out), std::move(err));
}

Result<std::optional<sys::RunResult>> Invocation::wait(std::chrono::milliseconds timeout) {
  const Result<sys::ExitStatus> status = child_.wait(timeout);
  if (!status && status.error().code() == ErrorCode::kBusy) return std::nullopt;
  if (!status) return std::unexpected(status.error());
  std::string out = REPRISE_PASS(contents(out_));
  std::string err = REPRISE_PASS(contents(err_));
  return sys::RunResult{.status = *status, .out = std::move(out), .err = std::move(err)};
}

Result<sys::RunResult> run(std::vector<std::string> argv, ErrorOutput error_output) {
  Invocation invocation = REPRISE_PASS(Invocation::begin(std::move(argv), error_output));
  while (true) {
    std::optional<sys::RunResult> result =
        REPRISE_TRY(invocation.wait(std::chrono::hours(1)), "waiting for 'podman'");
    if (result) return std::move(*result);
  }
}

Result<std::string> run_ok(std::vector<std::string> argv) {
  sys::RunResult result = REPRISE_PASS(run(argv));
  if (!result.status.success()) return std::unexpected(error_of(argv, result));
  return std::move(result.out);
}

Result<sys::ExitStatus> run_passthrough(std::vector<std::string> argv) {
  sys::SpawnOptions options;
  options.argv = std::move(argv);
  options.env = environment();
  options.stdio = sys::Stdio::kInherit;
  sys::Child child = REPRISE_PASS(spawn(options));
  return child.wait();
}

Error error_of(const std::vector<std::string>& argv, const sys::RunResult& result) {
  const std::string line = sys::last_line(result.err);
  std::string_view message = line;
  constexpr std::string_view kPrefix = "Error: ";
  if (message.starts_with(kPrefix)) message.remove_prefix(kPrefix.size());
  const std::string verb = argv.size() > 1 ? " " + argv[1] : "";
  if (message.empty())
    return Error(ErrorCode::kIo, "'podman" + verb + "' failed: " + result.status.describe());
  Error error(code_of(message), "podman: " + std::string(message));
  std::string remedy = remedy_of(message);
  return remedy.empty() ? error : std::move(error).with_hint(std::move(remedy));
}

Result<ContainerInfo> inspect(const std::string& container) {
  const std::string text =
      REPRISE_PASS(run_ok({"podman", "container", "inspect", "--", container}));
  std::vector<ContainerInfo> found = REPRISE_PASS(parse_inspect(text));
  if (found.size() != 1)
    return base::fail(ErrorCode::kNotFound, "there is no container '" + container + "'");
  return std::move(found.front());
}

Result<std::vector<ContainerInfo>> list_all() {
  const std::string ids = REPRISE_PASS(run_ok({"podman", "ps", "--all", "--quiet", "--no-trunc"}));
  std::vector<std::string> argv = {"podman", "container", "inspect", "--"};
  for (std::size_t begin = 0; begin < ids.size();) {
    const std::size_t end = std::min(ids.find('\n', begin), ids.size());
    if (end > begin) argv.push_back(ids.substr(begin, end - begin));
    begin = end + 1;
  }
  if (argv.size() == 4) return std::vector<ContainerInfo>();
  // It fails if one of them is gone by now, and describes the others all the same.
  const sys::RunResult result = REPRISE_PASS(run(argv));
  if (result.out.empty()) return std::unexpected(error_of(argv, result));
  return parse_inspect(result.out);
}

Result<std::set<std::string>> list_volumes() {
  std::istringstream lines(REPRISE_PASS(run_ok({"podman", "volume", "ls", "--quiet"})));
  std::set<std::string> names;
  for (std::string name; std::getline(lines, name);) names.insert(name);
  return names;
}

Result<bool> knows_runtime(const std::string& name) {
  const sys::RunResult result =
      REPRISE_PASS(run({"podman", "--runtime", name, "ps", "--quiet", "--last", "1"}));
  if (result.status.success()) return true;
  const std::string wanted = "OCI runtime \"" + name + "\" not found";
  if (result.err.find(wanted) != std::string::npos) return false;
  return std::unexpected(error_of({"podman", "ps"}, result));
}

}  // namespace reprise::podman
