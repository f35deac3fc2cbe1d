// SPDX-License-Identifier: Apache-2.0
//
// The catalog: which checkpoints there are, who continues from which, and what happened.
//
// A SQLite database in WAL mode, shared by all our processes. Each call is one transaction and
// waits up to sqlite::kBusyTimeout for other writers, then fails with kBusy. Open one Catalog per
// thread. Everything about checkpoints can be rebuilt from their manifests (`reprise store
// repair`); continuations, lives and sessions exist only here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "base/result.h"
#include "catalog/claims.h"
#include "crypto/keys.h"
#include "image/manifest.h"
#include "sqlite/database.h"

namespace reprise::catalog {

using base::Result;

struct CheckpointRow {
  base::CheckpointId id;
  base::ContainerKey key;
  std::string name;  // of the container, as known when it was taken
  std::string tag;   // set by people; empty if none. Tagged checkpoints count as pinned
  image::Trigger trigger = image::Trigger::kRequest;
  bool ended = false;
  base::UnixMillis created = 0;
  std::int64_t freeze_ms = 0;
  std::uint64_t bytes = 0;  // sum of its files
  std::int64_t cpu_time_us = 0;
  bool pending = false;  // some container continues from it at its next start
  bool pinned = false;   // kept until somebody removes it
  // What its blocks take in packs, which it may share with others; nullopt if nobody noted it yet.
  std::optional<std::uint64_t> stored_bytes;
};

// That a checkpoint is elsewhere as well, or on its way there.
struct Copy {
  base::CheckpointId checkpoint;
  std::string remote;
  bool uploading = false;
  bool operator==(const Copy&) const = default;
};

enum class LifeEvent : std::uint8_t { kStarted, kCheckpointed, kEnded, kRestored, kRestoreFailed };
std::string_view to_string(LifeEvent event);

// One line of a container's history. Fields that an event does not have are 0 or empty.
struct LifeRow {
  base::ContainerKey key;
  base::UnixMillis time = 0;
  LifeEvent event = LifeEvent::kStarted;
  base::SessionId session;
  base::CheckpointId checkpoint;
  std::string detail;            // trigger, reason, or exit description
  std::int64_t freeze_ms = 0;    // kCheckpointed
  std::int64_t restore_ms = 0;   // kRestored
  std::uint64_t bytes = 0;       // kCheckpointed
  std::int64_t cpu_time_us = 0;  // kCheckpointed, kRestored: CPU time that was not lost
};

// What we know about a container besides its checkpoints, kept after it is gone.
struct ContainerRow {
  base::ContainerKey key;
  std::string name;
  std::string image;            // as the user named it
  std::string create_command;   // JSON array: the argv that created it, with which a clone is made
  int command_image_index = 0;  // index of the image in create_command
};

enum class SessionKind : std::uint8_t { kCheckpoint, kRestore };
std::string_view to_string(SessionKind kind);
enum class SessionStatus : std::uint8_t { kRunning, kOk, kFailed };
std::string_view to_string(SessionStatus status);

// The write-once result of a session.
struct SessionRow {
  base::SessionId id;
  base::ContainerKey key;
  SessionKind kind = SessionKind::kCheckpoint;
  std::string trigger;  // of a checkpoint: image::Trigger
  base::UnixMillis begin = 0;
  base::UnixMillis end = 0;  // 0 while it runs
  SessionStatus status = SessionStatus::kRunning;
  std::string reason;  // empty if ok
  std::string hint;
  base::CheckpointId checkpoint;
  std::string phases;  // JSON object: phase name to milliseconds
  std::string log_directory;
};

// A row that holds what we never wrote: damage that SQLite does not see, or somebody's own hand.
struct UnreadableRow {
  std::string table;
  std::int64_t row = 0;  // its rowid
  std::string id;        // what it has for one
  std::string what;      // for people
};

// Opens the keys with which the commands of containers are sealed. Asked only where there is a
// command to seal or to read; its errors are passed on.
using KeyLoader = std::function<Result<crypto::TenantKeys>()>;

class Catalog final : public Claims {
 public:
  // Opens and, if needed, creates or upgrades ROOT/catalog.db (mode 0600). kUnsupported if a newer
  // version of Reprise wrote it.
  static Result<Catalog> open(const std::filesystem::path& root, KeyLoader keys);
  // The same where there is one already: looking makes nothing. kNotFound, with a hint, if not.
  static Result<Catalog> open_existing(const std::filesystem::path& root, KeyLoader keys);
  // Whether ROOT holds a store, which is to say a catalog. An empty directory, such as the place
  // where a disk is not mounted, holds none.
  static Result<bool> exists(const std::filesystem::path& root);
  Catalog(Catalog&&) noexcept;
  Catalog& operator=(Catalog&&) noexcept;
  ~Catalog() override;

  // --- rows that cannot be read
  // Lists leave them out, so whoever prints one tells of these, too. Reads the ids of all rows.
  Result<std::vector<UnreadableRow>> unreadable_rows();
  // When the checkpoint was made that the row tells of; nullopt if it tells of none.
  Result<std::optional<base::UnixMillis>> creation_of(const UnreadableRow& row);
  // Writes a row of a checkpoint anew; tag, pin, copies and continuations stay. kInvalidInput for a
  // row of another table, or where the checkpoint has a row already.
  Result<void> rewrite_checkpoint(const UnreadableRow& row, const image::Manifest& manifest);
  // Moves them into a database of their own, beside the catalog in `root`, and returns its name.
  // After an error some may lie in both.
  Result<std::filesystem::path> set_aside(const std::filesystem::path& root,
                                          const std::vector<UnreadableRow>& rows);

  // --- checkpoints
  // Adds a sealed checkpoint. With `continue_from_it`, the next start of its container takes it up,
  // instead of any earlier one, in the same transaction.
  enum class Continue : bool { kNo, kYes };
  Result<void> add_checkpoint(const image::Manifest& manifest, const std::string& tag,
                              Continue continue_from_it);
  Result<std::vector<CheckpointRow>> checkpoints();  // newest first
  Result<std::vector<CheckpointRow>> checkpoints(const base::ContainerKey& key);
  // By exact id, by unique prefix of an id (at least 3 characters), or by tag. kNotFound,
  // kInvalidInput if ambiguous (the message lists the candidates).
  Result<CheckpointRow> find_checkpoint(const std::string& id_prefix_or_tag);
  // Removes the row (and continuations from it); success if there is none. kBusy if a restore of it
  // is running.
  Result<void> remove_checkpoint(const base::CheckpointId& id);
  // As remove_checkpoint(), unless somebody has pinned or tagged it or continues from it (by now):
  // then it stays, and false is returned.
  Result<bool> remove_unneeded(const base::CheckpointId& id);
  // Whether the checkpoint is kept until somebody removes it. kNotFound.
  enum class Pin : bool { kNo, kYes };
  Result<void> set_pin(const base::CheckpointId& id, Pin pin);
  Result<void> note_stored_bytes(const base::CheckpointId& id, std::uint64_t bytes);
  // How long its tasks stood still after all: the manifest is written before the seal is over.
  Result<void> note_freeze(const base::CheckpointId& id, std::int64_t freeze_ms);

  // --- copies elsewhere, forgotten with the checkpoint
  // Replaces what was noted; success if there is no such checkpoint (any more).
  Result<void> note_copy(const Copy& copy);
  // Somebody removed the copy: lacking_copies() leaves it out until note_copy() says otherwise.
  Result<void> note_removed_copy(const base::CheckpointId& checkpoint, const std::string& remote);
  Result<std::vector<Copy>> copies();  // sorted by checkpoint and remote
  // Checkpoints that have no whole copy at `remote` and are to have one, oldest first.
  Result<std::vector<base::CheckpointId>> lacking_copies(const std::string& remote);

  // --- claims.h says what they do
  Result<void> set_continuation(const base::ContainerKey& key,
                                const base::CheckpointId& checkpoint) override;
  Result<std::optional<Continuation>> continuation(const base::ContainerKey& key) override;
  Result<std::optional<Continuation>> claim(const base::ContainerKey& key,
                                            const base::SessionId& session,
                                            const sys::ProcessRef& claimer) override;
  Result<void> consume_claim(const base::ContainerKey& key,
                             const base::SessionId& session) override;
  Result<void> release_claim(const base::ContainerKey& key,
                             const base::SessionId& session) override;
  Result<ClaimFate> fate_of_claim(const base::ContainerKey& key,
                                  const base::SessionId& session) override;
  Result<void> drop_continuation(const base::ContainerKey& key) override;
  // Whose continuations it is, by any number of keys.
  Result<std::vector<base::ContainerKey>> continued_by(const base::CheckpointId& checkpoint);

  // --- history
  Result<void> add_life_event(const LifeRow& row);
  Result<std::vector<LifeRow>> lives(const base::ContainerKey& key);  // oldest first
  // Of all keys that have this name, as sessions_named(); oldest first.
  Result<std::vector<LifeRow>> lives_named(const base::KeyName& name);
  // Insert or replace. The command, which may hold secrets, is sealed with the store's key, which
  // put_container() and container() therefore read. It goes with the container's last checkpoint.
  Result<void> put_container(const ContainerRow& row);
  Result<std::optional<ContainerRow>> container(const base::ContainerKey& key);
  // Its name alone; empty if none is known.
  Result<std::string> container_name(const base::ContainerKey& key);
  // All containers ever known by this name, most recently put first; without their commands.
  Result<std::vector<ContainerRow>> containers_named(const std::string& name);
  // Forgets the commands of containers that have no checkpoint. Returns how many there were.
  Result<int> forget_needless_commands();

  // --- sessions
  Result<void> begin_session(const SessionRow& row);
  // Sets end, status, reason, hint, checkpoint and phases. A finished session is never changed:
  // kInvalidInput.
  Result<void> finish_session(const SessionRow& row);
  Result<std::vector<SessionRow>> sessions(int limit);  // newest first
  // The same of one container.
  Result<std::vector<SessionRow>> sessions_of(const base::ContainerKey& key, int limit);
  // Of the containers that have this name in their keys, under whatever runtime: "@NAME",
  // "ROOT/@NAME". Newest first.
  Result<std::vector<SessionRow>> sessions_named(const base::KeyName& name, int limit);
  // Whether any session has restored it, for whatever container.
  Result<bool> was_restored(const base::CheckpointId& checkpoint);
  Result<std::vector<SessionRow>> running_sessions();  // those without an outcome, newest first
  // By exact id or unique prefix; kNotFound, kInvalidInput if ambiguous.
  Result<SessionRow> find_session(const std::string& id_prefix);

 private:
  Catalog(sqlite::Database db, KeyLoader keys);
  sqlite::Database db_;
  KeyLoader keys_;
};

}  // namespace reprise::catalog
