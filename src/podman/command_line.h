// SPDX-License-Identifier: Apache-2.0
//
// Podman's command lines, read and rewritten: where IMAGE stands, and how a container is made
// again. Everything here is pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "oci/annotations.h"
#include "podman/container_info.h"

namespace reprise::podman {

// One option in a command line, with the value that may follow as a word of its own.
struct OptionWord {
  std::size_t index = 0;
  std::size_t count = 1;             // words that it takes: 1 or 2
  std::string name;                  // "--name"; empty for short options
  std::string short_flags;           // "dit": the short options of this word, in order
  std::optional<std::string> value;  // of the long option, or of the last short one
};

// The options from `begin` on, up to the first word that is neither an option nor the value of one.
// Options that are not known count as taking a value, as most do.
struct OptionWords {
  std::vector<OptionWord> options;
  std::size_t end = 0;  // index of the first word after them (after a "--", if there is one)
};
OptionWords parse_options(const std::vector<std::string>& words, std::size_t begin);

// Index of the verb `run` or `create` in a whole command line ("podman --root X container run …").
// kUnsupported if it is another verb.
Result<std::size_t> verb_index(const std::vector<std::string>& command);

// Index of IMAGE in `info.create_command`: found from the options before it and from the command
// after it, and compared with the image's names. kUnsupported, with a hint, if it cannot be told.
Result<std::size_t> image_index_in_command(const ContainerInfo& info);

// The command that made a container, to be kept: its image by id, since a name may mean another
// image by the time it is made again.
struct KeptCommand {
  std::string image;  // as it was written
  std::string words;  // JSON array
  std::size_t image_index = 0;
};
// Errors as image_index_in_command().
Result<KeptCommand> kept_command(const ContainerInfo& info);

// Changes to make when a container is created again.
struct CreateEdits {
  std::string name;                  // replaces the recorded one
  std::vector<std::string> options;  // put before IMAGE, so that they win over the recorded ones
};

// The `podman create` that makes the container of a recorded `podman run` or `create` again. Left
// out is what `create` does not know or what must not happen twice: detaching, --replace,
// --cidfile, --pull. kInvalidInput if `image_index` does not fit the command.
Result<std::vector<std::string>> create_command_again(const std::vector<std::string>& recorded,
                                                      std::size_t image_index,
                                                      const CreateEdits& edits);

// `podman run -d` under `runtime` (a name or a path) with the annotation that opts in. `arguments`
// is what the user wrote after `run`.
std::vector<std::string> detached_run_command(const std::string& runtime,
                                              const std::vector<std::string>& arguments);

// A container that was never made on this host.
struct NewContainer {
  std::string runtime;  // a name or a path
  std::string image;
  std::vector<std::string> command;
  bool own_entrypoint = true;  // `command` replaces the image's entrypoint, too
  bool terminal = false;
  bool keeps_stdin = false;
  bool without_network = false;
};
struct CreateCommand {
  std::vector<std::string> words;
  std::size_t image_index = 0;
};
// The `podman create` for it, opted in, with everything else as Podman does it by default.
CreateCommand create_command(const NewContainer& container);

inline constexpr std::string_view kOnStopAnnotation = oci::annotation::kOnStop;
inline constexpr std::string_view kOnStopCheckpoint = "checkpoint";

}  // namespace reprise::podman
