// SPDX-License-Identifier: Apache-2.0
#include "runtime/key.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "host/identity.h"
#include "host/key_holder.h"
#include "json/lenient.h"
#include "json/reader.h"
#include "oci/annotations.h"
#include "podman/command_edit.h"
#include "podman/command_line.h"
#include "podman/container_config.h"
#include "runtime/restore_attempt.h"
#include "sys/files.h"

namespace reprise::runtime {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

// The name in the key of a container, for when runc has forgotten it: a checkpoint ends with that.
std::filesystem::path note_of(const Call& call, const host::Identity& who) {
  return call.layout.run / "names" / who.file_name;
}

// The container of `creation` under the key `name`, if no other one lives there.
Result<std::optional<base::ContainerId>> take(const Call& call, Creation& creation,
                                              const base::KeyName& name) {
  const auto globals = call.arguments.state_globals();
  host::Identity who = host::identify(globals, creation.who.id, name);
  auto other = REPRISE_PASS(host::take_key(call.layout, who, call.runtime()));
  if (other) return other;
  const std::filesystem::path note = note_of(call, who);
  REPRISE_PASS(sys::make_directories(note.parent_path()));
  REPRISE_PASS(sys::replace_file(note, name.str()));
  creation.who = std::move(who);
  return other;
}

std::vector<std::string> program_of(const std::string& json_text, std::size_t image_index) {
  return podman::program_of(
      {.words = json_reader::texts_of(json_reader::parse_or_discarded(json_text)),
       .image_index = image_index});
}

// Before 0.1 knew of such keys, the checkpoint waited under the id.
Result<void> move_from_id(const Call& call, catalog::Claims& claims, const Creation& creation) {
  const auto own = host::identify(call.arguments.state_globals(), creation.who.id).key;
  const auto waiting = REPRISE_PASS(claims.continuation(own));
  if (!waiting || REPRISE_PASS(claims.continuation(creation.key()))) return {};
  REPRISE_PASS(claims.set_continuation(creation.key(), waiting->checkpoint));
  return claims.drop_continuation(own);
}

}  // namespace

Result<void> settle_key(const Call& call, Creation& creation) {
  REPRISE_PASS(sys::remove_tree(note_of(call, creation.who)));
  const auto given = creation.annotations.find(oci::annotation::kKey);
  if (given != creation.annotations.end()) {
    if (given->second.empty()) return {};
    const auto name =
        REPRISE_TRY(base::KeyName::parse(given->second),
                    std::string("reading annotation '") + oci::annotation::kKey + "'");
    const auto other = REPRISE_PASS(take(call, creation, name));
    if (!other) return {};
    return std::unexpected(
        Error(ErrorCode::kBusy,
              "container '" + other->str() + "' has the key '" + given->second + "' and runs")
            .with_hint("stop that one first, or give this one another 'reprise.dev/key'"));
  }
  // A member of a pod goes on with its pod only, which is another one when it is made anew.
  if (creation.network_keeper != 0) return {};
  const auto info = podman::load_recorded_info(creation.bundle, creation.who.id.str());
  if (!info && info.error().code() == ErrorCode::kNotFound) return {};  // not Podman's
  if (!info) return std::unexpected(info.error());
  base::KeyName name = host::default_key_name(info->labels, info->name);
  if (name.empty()) return {};
  if (const auto other = REPRISE_PASS(take(call, creation, name))) {
    creation.cold_because = "container '" + other->str() + "' has the key '" + name.str() +
                            "' and runs: this one has a key of its own";
    tell_caller(call, Severity::kWarning, creation.cold_because);
    name = {};
  }
  return oci::annotate(creation.bundle, oci::annotation::kKey, name.str());
}

Result<void> check_predecessor(const Call& call, catalog::Catalog& catalog, Creation& creation) {
  if (creation.key() == host::identify(call.arguments.state_globals(), creation.who.id).key)
    return {};
  REPRISE_PASS(move_from_id(call, catalog, creation));
  const auto waiting = REPRISE_PASS(catalog.continuation(creation.key()));
  if (!waiting) return {};
  const auto recorded = REPRISE_PASS(catalog.container(creation.key()));
  const auto info = podman::load_recorded_info(creation.bundle, creation.who.id.str());
  // The restore compares the programs' arguments all the same.
  if (!recorded || recorded->create_command.empty() || !info) return {};
  const auto kept = podman::kept_command(*info);
  if (!kept || program_of(recorded->create_command,
                          static_cast<std::size_t>(recorded->command_image_index)) ==
                   program_of(kept->words, kept->image_index))
    return {};
  creation.cold_because = "its image, command or environment differs from that of checkpoint '" +
                          waiting->checkpoint.str() + "', which is kept";
  tell_caller(call, Severity::kWarning, creation.cold_because + "; starting cold");
  return catalog.drop_continuation(creation.key());
}

host::Identity with_key(const Call& call, host::Identity who) {
  const auto state = call.runtime().state_of(who.id);
  return with_key(call, std::move(who), state);
}

host::Identity with_key(const Call& call, host::Identity who,
                        const base::Result<oci::State>& state) {
  const auto globals = call.arguments.state_globals();
  if (state) return host::identify(globals, who.id, oci::key_name(state->annotations));
  if (const auto text = sys::read_file(note_of(call, who)))
    if (const auto name = base::KeyName::parse(*text))
      return host::identify(globals, who.id, *name);
  return who;
}

}  // namespace reprise::runtime
