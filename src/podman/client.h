// SPDX-License-Identifier: Apache-2.0
//
// Podman of this machine, through its command line. Its REST API would need podman.socket, which is
// usually not running, and `podman` itself is there wherever its containers are.
//
// Needs root for what root's containers are concerned. Every function blocks until Podman has
// ended, except Invocation.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "podman/container_info.h"
#include "sys/child.h"
#include "sys/unique_fd.h"

namespace reprise::podman {

// Where Podman's error output goes: into the result, or to our own standard error, for what shows
// its progress there (pulling an image).
enum class ErrorOutput : unsigned char { kCapture, kPass };

// Whether the terminal's signals reach Podman: those of ctrl-C and of a terminal that is closed
// must not cut off what cannot be begun again.
enum class Terminal : unsigned char { kShared, kNone };

// A Podman command in progress. Dropping it kills Podman, which leaves containers as they are.
class Invocation {
 public:
  // `argv[0]` is "podman". kUnsupported if Podman is not installed.
  static Result<Invocation> begin(std::vector<std::string> argv,
                                  ErrorOutput error_output = ErrorOutput::kCapture,
                                  Terminal terminal = Terminal::kShared);

  // nullopt while it runs on after `timeout`.
  Result<std::optional<sys::RunResult>> wait(std::chrono::milliseconds timeout);

 private:
  Invocation(sys::Child child, sys::UniqueFd out, sys::UniqueFd err)
      : child_(std::move(child)), out_(std::move(out)), err_(std::move(err)) {}
  sys::Child child_;
  sys::UniqueFd out_;
  sys::UniqueFd err_;
};

// Waits for a command to end, however long that takes.
Result<sys::RunResult> run(std::vector<std::string> argv,
                           ErrorOutput error_output = ErrorOutput::kCapture);

// As `run`, but what Podman refuses is an error; returns its standard output.
Result<std::string> run_ok(std::vector<std::string> argv);

// With our own standard input, output and error.
Result<sys::ExitStatus> run_passthrough(std::vector<std::string> argv);

// What Podman's refusal means: kNotFound for a container or image that does not exist, kBusy for a
// name that is taken, kDenied, else kIo. The message is Podman's, without "Error:". Pure.
base::Error error_of(const std::vector<std::string>& argv, const sys::RunResult& result);

// By name, id or unique prefix of an id. kNotFound if there is no such container.
Result<ContainerInfo> inspect(const std::string& container);
// All containers, also those that do not run. One that vanishes meanwhile is left out.
Result<std::vector<ContainerInfo>> list_all();

// Names of all volumes.
Result<std::set<std::string>> list_volumes();

// Whether Podman knows an OCI runtime by this name (containers.conf).
Result<bool> knows_runtime(const std::string& name);

}  // namespace reprise::podman
