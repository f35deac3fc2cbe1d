// SPDX-License-Identifier: Apache-2.0
#include "crypto/keys.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "base/id.h"
#include "crypto/hex.h"
#include "crypto/internal/derive.h"
#include "crypto/internal/key_file.h"
#include "sys/file_lock.h"
#include "sys/files.h"

namespace reprise::crypto {

using base::Error;
using base::ErrorCode;
using base::fail;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kIdBytes = 8;
constexpr std::string_view kSuffix = ".json";
constexpr std::chrono::seconds kLockTimeout(10);

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

// One tenant's place on disk, under a checked name.
struct Place {
  fs::path directory;
  std::string tenant;
  [[nodiscard]] fs::path file() const { return directory / (tenant + std::string(kSuffix)); }
  [[nodiscard]] std::string quoted() const { return "'" + file().string() + "'"; }
  [[nodiscard]] std::string step() const { return "reading the key file " + quoted(); }
};

Result<Place> place_of(const fs::path& directory, std::string_view tenant) {
  std::string name = REPRISE_TRY(base::parse_id(tenant), "naming a tenant");
  return Place{.directory = directory, .tenant = std::move(name)};
}

Result<std::string> id_of(const Secret& secret, std::string_view info) {
  return to_hex(REPRISE_PASS(derive(secret, info, kIdBytes)).view());
}

Result<Aead> wrapping_key(const Secret& kek) {
  return Aead::with_key(REPRISE_PASS(derive(kek, "reprise/1/wrap", kKeyBytes)));
}

Result<TenantKeys> keys_of(const Secret& secret, std::string id) {
  // Each on its own: g++ 12 does not destroy the members of a half-made object when one of its
  // initializers returns.
  const Secret data_key = REPRISE_PASS(derive(secret, "reprise/1/data", kKeyBytes));
  const Secret manifest_key = REPRISE_PASS(derive(secret, "reprise/1/manifests", kKeyBytes));
  const Secret page_key = REPRISE_PASS(derive(secret, "reprise/1/pages", kKeyBytes));
  Aead data = REPRISE_PASS(Aead::with_key(data_key));
  Aead manifests = REPRISE_PASS(Aead::with_key(manifest_key));
  PageHasher pages = REPRISE_PASS(PageHasher::with_key(page_key));
  return TenantKeys{.data = std::move(data),
                    .manifests = std::move(manifests),
                    .pages = std::move(pages),
                    .id = std::move(id)};
}

// kNotFound if there is none.
Result<KeyFile> read_key_file(const Place& place) {
  auto text = sys::read_file(place.file(), kKeyFileLimit);
  if (!text && text.error().code() == ErrorCode::kInvalidInput)
    return fail(ErrorCode::kCorrupt, place.step() + ": it is too large");
  const std::string whole = REPRISE_PASS(std::move(text));
  KeyFile file = REPRISE_TRY(decode_key_file(whole), place.step());
  if (file.tenant != place.tenant)
    return fail(ErrorCode::kCorrupt, place.step() + ": it is that of tenant '" + file.tenant + "'");
  return file;
}

Result<Secret> unwrap(const Place& place, const KeyFile& file, const Secret& kek) {
  Secret secret = REPRISE_PASS(Secret::zeros(kKeyBytes));
  const Aead wrapping = REPRISE_PASS(wrapping_key(kek));
  REPRISE_TRY(wrapping.open_into(file.wrapped, bytes_of(bound_of(file)), secret.bytes()),
              place.step());
  return secret;
}

Error wrapped_with_another(const Place& place, const KeyFile& file, const std::string& given) {
  return Error(ErrorCode::kDenied, "the key file " + place.quoted() + " was wrapped with key '" +
                                       file.kek + "', not with '" + given + "'")
      .with_hint("have Reprise use key '" + file.kek +
                 "'; to change keys, give both to 'reprise store rotate-key'");
}

Result<void> write_wrapped(const Place& place, KeyFile file, const Secret& secret,
                           const Secret& kek) {
  file.kek = REPRISE_PASS(key_id(kek));
  std::vector<std::byte> wrapped;
  const Aead wrapping = REPRISE_PASS(wrapping_key(kek));
  REPRISE_PASS(wrapping.seal(secret.view(), bytes_of(bound_of(file)), wrapped));
  std::ranges::copy(wrapped, file.wrapped.begin());
  return sys::replace_file(place.file(), encode_key_file(file));
}

// Held by whoever writes; readers need none, since files are only ever replaced as a whole.
Result<sys::FileLock> lock_for_writing(const Place& place) {
  sys::FileLock lock =
      REPRISE_TRY(sys::FileLock::lock(place.directory / ".lock", kLockTimeout), "locking the keys");
  // Unfinished files of writers that were killed: nobody else writes now.
  const std::string unfinished = place.file().filename().string() + ".tmp";
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(place.directory, ignored))
    if (entry.path().filename().string().starts_with(unfinished)) fs::remove(entry, ignored);
  return lock;
}

Result<KeyFile> create_tenant(const Place& place, const Secret& kek) {
  REPRISE_PASS(sys::make_directories_durably(place.directory));
  const sys::FileLock lock = REPRISE_PASS(lock_for_writing(place));
  auto theirs = read_key_file(place);  // somebody may have been faster
  if (theirs || theirs.error().code() != ErrorCode::kNotFound) return theirs;
  const Secret secret = REPRISE_PASS(Secret::random(kKeyBytes));
  std::string id = REPRISE_PASS(id_of(secret, "reprise/1/tenant-id"));
  KeyFile file{.tenant = place.tenant, .id = std::move(id), .created = base::now_unix_millis()};
  REPRISE_TRY(write_wrapped(place, std::move(file), secret, kek),
              "making the keys of tenant '" + place.tenant + "'");
  return read_key_file(place);
}

}  // namespace

Result<std::string> key_id(const Secret& kek) {
  if (kek.size() != kKeyBytes)
    return fail(ErrorCode::kInvalidInput, "a key of " + std::to_string(kek.size()) +
                                              " bytes, not " + std::to_string(kKeyBytes));
  return id_of(kek, "reprise/1/kek-id");
}

Result<TenantKeys> open_tenant(const fs::path& directory, std::string_view tenant,
                               const Secret& kek) {
  const Place place = REPRISE_PASS(place_of(directory, tenant));
  const std::string given = REPRISE_PASS(key_id(kek));
  KeyFile file = REPRISE_PASS(read_key_file(place));
  if (file.kek != given) return std::unexpected(wrapped_with_another(place, file, given));
  const Secret secret = REPRISE_PASS(unwrap(place, file, kek));
  return keys_of(secret, std::move(file.id));
}

Result<TenantKeys> make_tenant(const fs::path& directory, std::string_view tenant,
                               const Secret& kek) {
  auto found = open_tenant(directory, tenant, kek);
  if (found || found.error().code() != ErrorCode::kNotFound) return found;
  REPRISE_PASS(create_tenant(REPRISE_PASS(place_of(directory, tenant)), kek));
  return open_tenant(directory, tenant, kek);
}

Result<void> rewrap_tenant(const fs::path& directory, std::string_view tenant,
                           const Secret& old_kek, const Secret& new_kek) {
  const Place place = REPRISE_PASS(place_of(directory, tenant));
  const std::string old_id = REPRISE_PASS(key_id(old_kek));
  const std::string new_id = REPRISE_PASS(key_id(new_kek));
  REPRISE_PASS(read_key_file(place));  // no lock file where there are no keys
  const sys::FileLock lock = REPRISE_PASS(lock_for_writing(place));
  KeyFile file = REPRISE_PASS(read_key_file(place));
  if (file.kek == new_id) {
    REPRISE_PASS(unwrap(place, file, new_kek));
    // Whoever wrapped it may have been killed before it was durable.
    return sys::sync_path(place.directory);
  }
  if (file.kek != old_id) return std::unexpected(wrapped_with_another(place, file, old_id));
  const Secret secret = REPRISE_PASS(unwrap(place, file, old_kek));
  return write_wrapped(place, std::move(file), secret, new_kek);
}

Result<std::string> secret_id_in(std::string_view key_file) {
  return REPRISE_TRY(decode_key_file(key_file), "reading a key file").id;
}

Result<TenantKeys> keys_in(std::string_view key_file, std::string_view tenant, const Secret& kek) {
  const std::string given = REPRISE_PASS(key_id(kek));
  KeyFile file = REPRISE_TRY(decode_key_file(key_file), "reading a key file");
  if (file.tenant != tenant)
    return fail(ErrorCode::kCorrupt, "the key file is that of tenant '" + file.tenant + "'");
  if (file.kek != given)
    return fail(ErrorCode::kDenied,
                "its keys were wrapped with key '" + file.kek + "', not with '" + given + "'");
  const Secret secret =
      REPRISE_PASS(unwrap({.directory = "elsewhere", .tenant = file.tenant}, file, kek));
  return keys_of(secret, std::move(file.id));
}

Result<void> adopt_tenant(const fs::path& directory, std::string_view tenant,
                          std::string_view key_file, const Secret& kek) {
  const Place place = REPRISE_PASS(place_of(directory, tenant));
  const std::string given = REPRISE_PASS(key_id(kek));
  const KeyFile file = REPRISE_TRY(decode_key_file(key_file), "taking over a key file");
  if (file.tenant != place.tenant)
    return fail(ErrorCode::kCorrupt, "the key file is that of tenant '" + file.tenant + "'");
  if (file.kek != given)
    return std::unexpected(
        Error(ErrorCode::kDenied,
              "its keys were wrapped with key '" + file.kek + "', not with '" + given + "'")
            .with_hint("give this host the key that the other one has (REPRISE_KEY_FILE)"));
  REPRISE_PASS(unwrap(place, file, kek));
  REPRISE_PASS(sys::make_directories_durably(place.directory));
  const sys::FileLock lock = REPRISE_PASS(lock_for_writing(place));
  // A rotation that has rewrapped what is here is about to throw away the key that opens `file`.
  const Result<KeyFile> here = read_key_file(place);
  if (!here && here.error().code() != ErrorCode::kNotFound) return std::unexpected(here.error());
  if (here && here->kek != given) return std::unexpected(wrapped_with_another(place, *here, given));
  return sys::replace_file(place.file(), encode_key_file(file));
}

Result<std::vector<std::string>> tenants(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  if (error == std::errc::no_such_file_or_directory) return names;
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (!name.ends_with(kSuffix)) continue;
    name.resize(name.size() - kSuffix.size());
    if (base::parse_id(name)) names.push_back(std::move(name));
  }
  if (error)
    return base::fail_errno(error.value(), "listing the keys in '" + directory.string() + "'");
  std::ranges::sort(names);
  return names;
}

}  // namespace reprise::crypto
