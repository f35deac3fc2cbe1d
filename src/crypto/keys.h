// SPDX-License-Identifier: Apache-2.0
//
// The keys of tenants, and the key-encryption key under which they lie on disk.
// The files are specified in docs/format/keys.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/aead.h"
#include "crypto/page_hash.h"
#include "crypto/secret.h"

namespace reprise::crypto {

// What is derived from one tenant's secret. Any number of threads may use it at once.
struct TenantKeys {
  Aead data;
  Aead manifests;
  PageHasher pages;
  std::string id;  // of the tenant's secret: 16 hex digits, not secret, the same after a rewrap
};

// Where the key-encryption key comes from.
struct KeySource {
  enum class Kind : std::uint8_t {
    kFile,         // `value` is its path
    kEnvironment,  // `value` is the variable's name
    kCommand,      // `value` is a command line for /bin/sh; the key is what it writes to stdout
  };
  Kind kind = Kind::kFile;
  std::string value;
};

// Reads the key-encryption key: 32 bytes, as text of 64 hexadecimal digits or in base64, with
// whitespace around it ignored. The text passes through no memory that could be swapped or dumped,
// except that a variable stays in the environment: of this process and of the children that inherit
// it.
//
// Blocks as long as a command runs, 30 s at most; it gets our environment, nothing on stdin.
// kNotFound: there is no such file or variable. kDenied: the file is another user's, or can be read
// by others (the hint is the chmod). kInvalidInput: not a regular file, or what is there is no key.
// kIo, kBusy: the command failed, or did not end in time.
Result<Secret> load_key(const KeySource& source);

// Makes a file with a new random key, mode 0600, and with it the directories above. Durable on
// return; a crash leaves a whole file or none. Never overwrites: kInvalidInput if the file is
// there. kDenied, with a hint, if it is one that was given (below).
Result<void> create_key_file(const std::filesystem::path& file);

// Says, by a note beside it, that the key in `file` is one that others have as well, as the nodes
// of a cluster do: where it is lost, none is made, since what is sealed with that nobody else could
// open. `id` is for people.
Result<void> note_given_key(const std::filesystem::path& file, const std::string& id);
// Success if there is no such note.
Result<void> forget_given_key(const std::filesystem::path& file);

// Which key that is: 16 hex digits, derived from it without telling anything else about it.
// kInvalidInput unless it has kKeyBytes.
Result<std::string> key_id(const Secret& kek);

// Loads the keys of `tenant` from DIRECTORY/TENANT.json.
//
// kNotFound: there is no such file. kInvalidInput: the name is no id (base/id.h), or `kek` has not
// kKeyBytes. kDenied: the file was wrapped with another key-encryption key; names the file and both
// key ids, and has a hint. kCorrupt: the file is damaged, or is that of another tenant.
// kUnsupported: a newer version of Reprise wrote it.
Result<TenantKeys> open_tenant(const std::filesystem::path& directory, std::string_view tenant,
                               const Secret& kek);

// The same, and makes the directory and new keys if there are none. Of several processes that do so
// at once one wins, and all get the same keys. kBusy: another process holds the directory's lock
// for more than 10 s.
Result<TenantKeys> make_tenant(const std::filesystem::path& directory, std::string_view tenant,
                               const Secret& kek);

// Wraps the tenant's secret with `new_kek`, which until now was wrapped with `old_kek`. Atomic and
// durable: after a failure or a crash one of the two opens it. Data stays readable. If `new_kek`
// opens it already, that is success, so that an interrupted row of rewraps can be repeated.
// kNotFound: no such tenant. Else as `open_tenant`.
Result<void> rewrap_tenant(const std::filesystem::path& directory, std::string_view tenant,
                           const Secret& old_kek, const Secret& new_kek);

// The id of the tenant's secret in the text of a key file. kCorrupt, kUnsupported.
Result<std::string> secret_id_in(std::string_view key_file);

// The keys in the text of a key file of elsewhere. kDenied if it was wrapped with another
// key-encryption key; kCorrupt if it does not open, or is another tenant's; kUnsupported.
Result<TenantKeys> keys_in(std::string_view key_file, std::string_view tenant, const Secret& kek);

// Puts `key_file`, the text of one of elsewhere, in the place of DIRECTORY/TENANT.json: what was
// sealed with the keys that were there can never be opened again. Atomic and durable. kDenied if it
// or what is there was wrapped with another key-encryption key; kCorrupt if it does not open, or is
// another tenant's.
Result<void> adopt_tenant(const std::filesystem::path& directory, std::string_view tenant,
                          std::string_view key_file, const Secret& kek);

// Names of the tenants that have a key file, sorted. None if there is no such directory.
Result<std::vector<std::string>> tenants(const std::filesystem::path& directory);

}  // namespace reprise::crypto
