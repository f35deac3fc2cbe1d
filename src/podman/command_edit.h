// SPDX-License-Identifier: Apache-2.0
//
// Changes to the options of a recorded command, for a container that is made from it again.
// Everything here is pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::podman {

using base::Result;

// A `podman run` or `create`, and where IMAGE stands in it.
struct RecordedCommand {
  std::vector<std::string> words;
  std::size_t image_index = 0;
};

// Sees each option before IMAGE that has a value, by its long name ("--publish" for -p, "--volume"
// for -v, other short ones as they are), and returns the value to write; nullopt leaves it out.
using EditValue =
    std::function<std::optional<std::string>(std::string_view option, const std::string& value)>;
// kInvalidInput if `image_index` does not fit the command.
Result<RecordedCommand> edit_options(const RecordedCommand& command, const EditValue& edit);

// What only one container at a time can have, left out for one that is made beside the first:
// addresses, published host ports, files that hold its ids.
struct SharedCommand {
  RecordedCommand command;
  std::vector<std::string> left_out;  // for people: "--publish 8080:80"
};
Result<SharedCommand> without_exclusive_options(const RecordedCommand& command);

// With other named volumes instead: name to new name, in --volume and --mount type=volume.
Result<RecordedCommand> with_other_volumes(const RecordedCommand& command,
                                           const std::map<std::string, std::string>& names);

// What decides which program runs, and in what environment: the image, the words after it, and the
// values of --entrypoint, --env, --env-file, --user and --workdir. Two containers whose programs
// differ are not the same one made anew.
std::vector<std::string> program_of(const RecordedCommand& command);

// "512m" in bytes, as Podman reads it; nullopt for what is no size.
std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace reprise::podman
