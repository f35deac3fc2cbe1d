// SPDX-License-Identifier: Apache-2.0
#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "vetting/rules.h"

namespace reprise::vetting {

using image::CriuFileSystem;
using image::CriuMount;

namespace {

std::string ticked(const CriuMount& mount) { return "the mount '" + mount.place + "'"; }

bool lies_below(std::string_view path, std::string_view directory) {
  return path.size() > directory.size() && path.starts_with(directory) &&
         path[directory.size()] == '/';
}

const char* type_of(CriuFileSystem kind) {
  switch (kind) {
    case CriuFileSystem::kProc:
      return "proc";
    case CriuFileSystem::kSysfs:
      return "sysfs";
    case CriuFileSystem::kTmpfs:
      return "tmpfs";
    case CriuFileSystem::kDevpts:
      return "devpts";
    case CriuFileSystem::kMqueue:
      return "mqueue";
    case CriuFileSystem::kCgroup:
      return "cgroup";
    case CriuFileSystem::kOther:
      return "";
  }
  return "";
}

class Mounts {
 public:
  Mounts(const std::vector<CriuMount>& mounts, const Grants& grants, const Exists& exists)
      : mounts_(mounts), grants_(grants), exists_(exists) {}

  Result<void> check() const {
    if (std::ranges::count(mounts_, "/", &CriuMount::place) != 1)
      return more("the list of mounts", "more than one root, or none");
    for (const CriuMount& mount : mounts_) REPRISE_PASS(check_one(mount));
    if (may_mount()) return {};
    REPRISE_PASS(check_tree());
    return check_hidden();
  }

  // CRIU takes what is there in `first` as well from there. It would make another root anew.
  Result<void> check_further(const std::vector<CriuMount>& first) const {
    for (const CriuMount& mount : mounts_) {
      const bool again = std::ranges::any_of(first, [&](const CriuMount& other) {
        return other.device == mount.device && other.kind_number == mount.kind_number &&
               other.root == mount.root && other.source == mount.source &&
               other.options == mount.options && mount.external.empty();
      });
      if (again && !mount.unusual && (mount.place == "/" || is_plain_path(mount.place))) continue;
      if (mount.place == "/") return more(ticked(mount), "another root than the first process");
      REPRISE_PASS(check_one(mount));
    }
    return {};
  }

 private:
  [[nodiscard]] Result<void> check_tree() const;
  [[nodiscard]] Result<void> check_hidden() const;
  Result<void> check_one(const CriuMount& mount) const;
  Result<void> check_root(const CriuMount& mount) const;
  Result<void> check_external(const CriuMount& mount) const;
  Result<void> check_own(const CriuMount& mount) const;
  Result<void> check_part(const CriuMount& mount) const;
  Result<void> check_options(const CriuMount& mount) const;
  Result<void> check_flags(const CriuMount& mount, std::uint64_t flags,
                           const GrantedMount& granted) const;
  enum class Place : bool { kExactly, kWithin };
  [[nodiscard]] const GrantedMount* granted_at(const CriuMount& mount, Place place) const;
  [[nodiscard]] bool is_below_cgroup(std::string_view place) const;
  [[nodiscard]] bool may_mount() const { return grants_.may(kCapSysAdmin); }

  const std::vector<CriuMount>& mounts_;
  const Grants& grants_;
  const Exists& exists_;
};

// A mount that lies on another one than on that which its place belongs to protects nothing.
Result<void> Mounts::check_tree() const {
  std::map<std::string, const CriuMount*> by_place;
  for (const CriuMount& mount : mounts_)
    if (!by_place.emplace(mount.place, &mount).second)
      return more(ticked(mount), "two mounts in one place");
  for (const CriuMount& mount : mounts_) {
    if (mount.place == "/") continue;
    std::string above = mount.place;
    do above = above.substr(0, std::max<std::size_t>(above.rfind('/'), 1));
    while (!by_place.contains(above));
    if (by_place.at(above)->id != mount.parent)
      return more(ticked(mount), "a place below another mount than '" + above + "'");
  }
  return {};
}

// What is masked or read-only must be so, and by a mount that is of no other use.
Result<void> Mounts::check_hidden() const {
  std::set<std::string> places;
  for (const CriuMount& mount : mounts_) places.insert(mount.place);
  const auto covered = [&](const std::string& path) {
    return places.contains(path) || std::ranges::any_of(grants_.masked, [&](const auto& mask) {
             return lies_below(path, mask) && places.contains(mask);
           });
  };
  for (const auto* const paths : {&grants_.masked, &grants_.read_only})
    for (const std::string& path : *paths)
      if (!covered(path) && exists_(path))
        return more(
            "the list of mounts", "'" + path + "' as the host has it",
            "if you trust it, add '-- --security-opt unmask=" + path + "' to 'reprise restore'");
  return {};
}

Result<void> Mounts::check_one(const CriuMount& mount) const {
  if (mount.unusual) return more(ticked(mount), "a way of mounting that no container needs");
  if (mount.place == "/") return check_root(mount);
  if (!is_plain_path(mount.place)) return more(ticked(mount), "a place outside of the container");
  // Resolved by CRIU on the host's side, so it must not lead anywhere else.
  if (mount.root != "/" && !is_plain_path(mount.root))
    return more(ticked(mount), "the file '" + mount.root + "'");
  return mount.external.empty() ? check_own(mount) : check_external(mount);
}

// CRIU takes the root from runc, whatever the images say, apart from these.
Result<void> Mounts::check_root(const CriuMount& mount) const {
  if (!mount.external.empty()) return more(ticked(mount), "'" + mount.external + "' as its root");
  if (grants_.root_is_read_only && (mount.flags & MS_RDONLY) == 0 && !may_mount())
    return more(ticked(mount), "a root that can be written");
  if ((mount.shared != 0 || mount.master != 0) && !grants_.root_is_shared && !may_mount())
    return more(ticked(mount), "a root that others share");
  return {};
}

Result<void> Mounts::check_external(const CriuMount& mount) const {
  if (mount.external == "/dev/null" && grants_.masked.contains(mount.place)) return {};
  if (grants_.device_paths.contains(mount.external) &&
      (mount.place == mount.external || may_mount()))
    return {};
  const auto granted = std::ranges::find_if(grants_.mounts, [&](const GrantedMount& one) {
    return one.is_bind() && one.place == mount.external;
  });
  // On cgroup v1, runc binds the controllers one by one, in the container's own cgroup.
  const bool cgroup = granted == grants_.mounts.end() && is_below_cgroup(mount.external);
  if (granted == grants_.mounts.end() && !cgroup)
    return more(ticked(mount), "'" + mount.external + "' of the host");
  if (mount.place != mount.external && !may_mount())
    return more(ticked(mount), "'" + mount.external + "' at another place");
  const auto& source =
      cgroup ? *std::ranges::find(grants_.mounts, "cgroup", &GrantedMount::type) : *granted;
  REPRISE_PASS(check_flags(mount, mount.mount_flags, source));
  const auto has = [&](const char* one, const char* other) {
    return source.options.contains(one) || source.options.contains(other);
  };
  const bool shares = mount.shared != 0 && !mount.sharing_ends_here;
  if ((shares && !has("shared", "rshared")) ||
      (mount.master != 0 && !has("slave", "rslave") && !has("shared", "rshared")))
    return more(ticked(mount), "mounts that the host sees, or the other way");
  return {};
}

// A file system that CRIU makes, by its kind.
Result<void> Mounts::check_own(const CriuMount& mount) const {
  if (mount.kind == CriuFileSystem::kOther)
    return more(ticked(mount), "a file system of the host, or of a kind that cannot be checked ('" +
                                   mount.source + "', '" + mount.options.substr(0, 100) + "')");
  REPRISE_PASS(check_options(mount));
  if (mount.root != "/") return check_part(mount);
  // Without a namespace of its own this would be the cgroup of the host.
  if (mount.kind == CriuFileSystem::kCgroup && !grants_.namespaces.contains("cgroup"))
    return more(ticked(mount), "the cgroups of the host");
  const bool is_mask = mount.kind == CriuFileSystem::kTmpfs && grants_.masked.contains(mount.place);
  if (is_mask) {
    if ((mount.flags & MS_RDONLY) != 0 || may_mount()) return {};
    return more(ticked(mount), "what is hidden from it");
  }
  if (const GrantedMount* granted = granted_at(mount, Place::kExactly); granted != nullptr)
    return check_flags(mount, mount.flags, *granted);
  // What a program mounted itself: harmless kinds, if it could.
  const bool harmless = mount.kind == CriuFileSystem::kTmpfs ||
                        mount.kind == CriuFileSystem::kMqueue ||
                        mount.kind == CriuFileSystem::kDevpts;
  if (harmless && may_mount()) return {};
  // Other engines mount some more of them ('/run'); memory counts as the container's in any case.
  constexpr std::uint64_t kPlain = MS_NOSUID | MS_NODEV;
  if (mount.kind == CriuFileSystem::kTmpfs && (mount.flags & kPlain) == kPlain &&
      !grants_.root_is_read_only && !lies_below(mount.place, "/proc") &&
      !lies_below(mount.place, "/sys"))
    return {};
  return more(ticked(mount), std::string("a file system of type ") + type_of(mount.kind));
}

// A part of a file system, mounted elsewhere. CRIU looks it up on the host's side, and would follow
// links that somebody else put there; /proc and /sys have none in these places.
Result<void> Mounts::check_part(const CriuMount& mount) const {
  const bool with_host = std::ranges::any_of(mounts_, [&](const CriuMount& other) {
    return other.device == mount.device && !other.external.empty() && other.external != "/dev/null";
  });
  if (with_host) return more(ticked(mount), "a part of a file system of the host");
  const bool system = mount.kind == CriuFileSystem::kProc || mount.kind == CriuFileSystem::kSysfs;
  const std::string_view top = mount.kind == CriuFileSystem::kProc ? "/proc" : "/sys";
  if (system && mount.place == std::string(top) + mount.root &&
      !grants_.masked.contains(mount.place) && granted_at(mount, Place::kWithin) != nullptr) {
    if (!grants_.read_only.contains(mount.place) || (mount.flags & MS_RDONLY) != 0 || may_mount())
      return {};
    return more(ticked(mount), "a file system that can be written");
  }
  // The container's terminal.
  if (mount.kind == CriuFileSystem::kDevpts && mount.place == "/dev/console") return {};
  if (mount.kind == CriuFileSystem::kTmpfs && mount.root == "/null" &&
      grants_.masked.contains(mount.place))
    return {};
  return more(ticked(mount), "'" + mount.root + "' of another mount");
}

// What is known of these file systems is harmless but this.
Result<void> Mounts::check_options(const CriuMount& mount) const {
  if (mount.options.contains("release_agent") || mount.options.contains("source="))
    return more(ticked(mount), "the options '" + mount.options.substr(0, 100) + "'");
  return {};
}

Result<void> Mounts::check_flags(const CriuMount& mount, std::uint64_t flags,
                                 const GrantedMount& granted) const {
  if (may_mount()) return {};
  struct Flag {
    const char* option;
    std::uint64_t bit;
    const char* asked;
  };
  constexpr std::array<Flag, 4> kFlags = {{{"ro", MS_RDONLY, "to be written"},
                                           {"nosuid", MS_NOSUID, "set-user-id programs"},
                                           {"nodev", MS_NODEV, "devices"},
                                           {"noexec", MS_NOEXEC, "programs"}}};
  // runc leaves the directory that the controllers of cgroup v1 lie in writable.
  const bool directory = mount.kind == CriuFileSystem::kTmpfs && granted.type == "cgroup";
  for (const Flag& flag : kFlags)
    if (granted.options.contains(flag.option) && (flags & flag.bit) == 0 &&
        !(directory && flag.bit == MS_RDONLY))
      return more(ticked(mount), flag.asked);
  return {};
}

const GrantedMount* Mounts::granted_at(const CriuMount& mount, Place place) const {
  const std::string_view type = type_of(mount.kind);
  for (const GrantedMount& granted : grants_.mounts) {
    if (granted.is_bind()) continue;
    const bool same_kind = granted.type == type ||
                           (type == "cgroup" && granted.type == "cgroup2") ||
                           (type == "tmpfs" && granted.type == "cgroup");
    if (!same_kind) continue;
    if (granted.place == mount.place) return &granted;
    const bool within = place == Place::kWithin || mount.kind == CriuFileSystem::kCgroup;
    if (within && lies_below(mount.place, granted.place)) return &granted;
  }
  return nullptr;
}

bool Mounts::is_below_cgroup(std::string_view place) const {
  return std::ranges::any_of(grants_.mounts, [&](const GrantedMount& one) {
    return one.type == "cgroup" && lies_below(place, one.place);
  });
}

}  // namespace

bool is_plain_path(std::string_view path) {
  if (!path.starts_with('/') || path.size() == 1) return false;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view part = path.substr(0, path.find('/'));
    if (part.empty() || part == "." || part == "..") return false;
    path.remove_prefix(part.size());
  }
  return true;
}

Result<void> check_mounts(const std::vector<CriuMount>& mounts, const Grants& grants,
                          const Exists& exists) {
  return Mounts(mounts, grants, exists).check();
}

Result<void> check_further_mounts(const std::vector<CriuMount>& mounts,
                                  const std::vector<CriuMount>& first, const Grants& grants,
                                  const Exists& exists) {
  if (!grants.may(kCapSysAdmin)) return more("the checkpoint", "a second mount namespace");
  return Mounts(mounts, grants, exists).check_further(first);
}

}  // namespace reprise::vetting
