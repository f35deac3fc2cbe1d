// SPDX-License-Identifier: Apache-2.0
#include "vetting/vet.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "json/reader.h"
#include "sys/beneath.h"
#include "sys/files.h"
#include "vetting/file_trees.h"
#include "vetting/seccomp_profile.h"

namespace reprise::vetting {

using base::ErrorCode;
using base::fail;

namespace {

// All images but the pages and what lies in file systems and queues are small.
constexpr std::size_t kLargest = std::size_t{512} << 20;

enum class Image : std::uint8_t {
  kUnknown,
  kHarmless,  // contents of the container: memory, queues, timers, tables of descriptors
  kInventory,
  kProcesses,
  kThread,
  kIds,
  kSeccomp,
  kMounts,
  kFiles,
  kRemaps,
  kGhost,
  kNetwork,
  kNetworkContents,  // of a network namespace that CRIU makes
  kPidNamespace,
  kUserNamespace,
  kCgroups,
  kTmpfs,
  kDescriptors,
};

struct Name {
  std::string_view begin;
  bool numbered = false;
  std::string_view end;
  Image image = Image::kUnknown;
};
constexpr std::array kNames = std::to_array<Name>({
    {"inventory", false, ".img", Image::kInventory},
    {"pstree", false, ".img", Image::kProcesses},
    {"core-", true, ".img", Image::kThread},
    {"ids-", true, ".img", Image::kIds},
    {"seccomp", false, ".img", Image::kSeccomp},
    {"mountpoints-", true, ".img", Image::kMounts},
    {"files", false, ".img", Image::kFiles},
    {"remap-fpath", false, ".img", Image::kRemaps},
    {"ghost-file-", true, ".img", Image::kGhost},
    {"netns-", true, ".img", Image::kNetwork},
    {"pidns-", true, ".img", Image::kPidNamespace},
    {"userns-", true, ".img", Image::kUserNamespace},
    {"cgroup", false, ".img", Image::kCgroups},
    {"tmpfs-", true, ".tar.gz.img", Image::kTmpfs},
    {"tmpfs-dev-", true, ".tar.gz.img", Image::kTmpfs},
    {"descriptors", false, ".json", Image::kDescriptors},
    {"netdev-", true, ".img", Image::kNetworkContents},
    {"ifaddr-", true, ".img", Image::kNetworkContents},
    {"route-", true, ".img", Image::kNetworkContents},
    {"route6-", true, ".img", Image::kNetworkContents},
    {"rule-", true, ".img", Image::kNetworkContents},
    {"iptables-", true, ".img", Image::kNetworkContents},
    {"ip6tables-", true, ".img", Image::kNetworkContents},
    {"nftables-", true, ".img", Image::kNetworkContents},
    {"netns-ct-", true, ".img", Image::kNetworkContents},
    {"netns-exp-", true, ".img", Image::kNetworkContents},
    {"fdinfo-", true, ".img", Image::kHarmless},
    {"fs-", true, ".img", Image::kHarmless},
    {"mm-", true, ".img", Image::kHarmless},
    {"pagemap-", true, ".img", Image::kHarmless},
    {"pagemap-shmem-", true, ".img", Image::kHarmless},
    {"pages-", true, ".img", Image::kHarmless},
    {"utsns-", true, ".img", Image::kHarmless},
    {"ipcns-var-", true, ".img", Image::kHarmless},
    {"ipcns-shm-", true, ".img", Image::kHarmless},
    {"ipcns-msg-", true, ".img", Image::kHarmless},
    {"ipcns-sem-", true, ".img", Image::kHarmless},
    {"timens-", true, ".img", Image::kHarmless},
    {"pipes-data", false, ".img", Image::kHarmless},
    {"fifo-data", false, ".img", Image::kHarmless},
    {"sk-queues", false, ".img", Image::kHarmless},
    {"tcp-stream-", true, ".img", Image::kHarmless},
    {"tty-info", false, ".img", Image::kHarmless},
    {"tty-data", false, ".img", Image::kHarmless},
    {"filelocks", false, ".img", Image::kHarmless},
    {"memfd", false, ".img", Image::kHarmless},
    {"stats-dump", false, "", Image::kHarmless},
    {"stats-restore", false, "", Image::kHarmless},
    {"dump.log", false, "", Image::kHarmless},
});

struct Known {
  Image image = Image::kUnknown;
  std::string number;  // as it stands in the name
};

Known classify(std::string_view name) {
  for (const Name& known : kNames) {
    if (!name.starts_with(known.begin) || !name.ends_with(known.end) ||
        name.size() < known.begin.size() + known.end.size())
      continue;
    const std::string_view middle =
        name.substr(known.begin.size(), name.size() - known.begin.size() - known.end.size());
    const bool is_number =
        !middle.empty() && middle.find_first_not_of("0123456789abcdef") == std::string_view::npos;
    if (known.numbered ? is_number : middle.empty())
      return {.image = known.image, .number = std::string(middle)};
  }
  return {};
}

class Vetting {
 public:
  Vetting(const std::filesystem::path& images, const Grants& grants, const Host& host)
      : images_(images), grants_(grants), host_(host) {}
  Result<Vetted> run();

 private:
  Result<void> sort_files();
  Result<void> check_processes();
  Result<void> check_process(const image::CriuProcess& process);
  Result<void> check_seccomp();
  Result<void> check_all_mounts();
  Result<void> check_all_files();
  Result<void> check_other_namespaces();
  Result<void> check_all_cgroups();
  Result<void> check_descriptors();
  [[nodiscard]] Result<std::string> read(const std::string& name) const;
  // Of all images of one kind, by their numbers.
  template <typename Decode>
  auto decode(Image kind, const std::string& number, Decode function) const
      -> decltype(function(std::string_view()));
  [[nodiscard]] const std::map<std::string, std::string>& all(Image kind) { return files_[kind]; }

  const std::filesystem::path& images_;
  const Grants& grants_;
  const Host& host_;
  std::map<Image, std::map<std::string, std::string>> files_;  // number to name
  image::CriuInventory inventory_;
  image::CriuNamespaces init_;
  std::vector<image::CriuMount> mounts_;
  std::set<std::uint32_t> filters_;  // that tasks are under
  std::set<std::uint32_t> synced_;   // that are for all threads of a process
  std::set<std::string> threads_;
  Vetted vetted_;
};

Result<std::string> Vetting::read(const std::string& name) const {
  return REPRISE_TRY(sys::read_file(images_ / name, kLargest), "reading the image '" + name + "'");
}

template <typename Decode>
auto Vetting::decode(Image kind, const std::string& number, Decode function) const
    -> decltype(function(std::string_view())) {
  const auto found = files_.find(kind);
  const auto file = found == files_.end() ? std::map<std::string, std::string>::const_iterator()
                                          : found->second.find(number);
  if (found == files_.end() || file == found->second.end())
    return fail(ErrorCode::kCorrupt,
                "an image of CRIU is missing" + (number.empty() ? "" : " for '" + number + "'"));
  const std::string contents = REPRISE_PASS(read(file->second));
  return REPRISE_TRY(function(contents), "reading the image '" + file->second + "'");
}

// Every file has a purpose that is known, or it stays outside.
Result<void> Vetting::sort_files() {
  struct Close {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };
  const std::unique_ptr<DIR, Close> directory(::opendir(images_.c_str()));
  if (!directory) return base::fail_errno(errno, "reading '" + images_.string() + "'");
  for (errno = 0;; errno = 0) {
    const dirent* const entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    const Known known = classify(name);
    struct stat status{};
    const bool regular =
        ::fstatat(::dirfd(directory.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(status.st_mode);
    if (known.image == Image::kUnknown || !regular)
      return fail(ErrorCode::kUnsupported, "the checkpoint has the image '" + name +
                                               "', which no checkpoint that was made "
                                               "elsewhere may have");
    // Two names for one number: "core-1" and "core-01" would be the same to nobody else.
    if (known.number.size() > 1 && known.number.starts_with('0'))
      return fail(ErrorCode::kCorrupt, "the image '" + name + "' has a name that CRIU never gives");
    files_[known.image].emplace(known.image == Image::kHarmless ? name : known.number, name);
  }
  if (errno != 0) return base::fail_errno(errno, "reading '" + images_.string() + "'");
  return {};
}

Result<void> Vetting::check_process(const image::CriuProcess& process) {
  const std::string pid = std::to_string(process.pid);
  const std::string who = "process " + pid;
  const image::CriuThread leader = REPRISE_PASS(decode(Image::kThread, pid, image::decode_thread));
  threads_.insert(pid);
  // CRIU writes nothing sensible about the threads of a zombie.
  if (leader.dead) return {};
  for (const std::uint64_t number : process.threads) {
    const std::string tid = std::to_string(number);
    const image::CriuThread thread =
        REPRISE_PASS(decode(Image::kThread, tid, image::decode_thread));
    threads_.insert(tid);
    const std::string name = tid == pid ? who : "thread " + tid;
    REPRISE_PASS(check_rights(thread, grants_, name));
    if (thread.seccomp_filter) filters_.insert(*thread.seccomp_filter);
    if (grants_.seccomp.empty() || thread.seccomp_strict || thread.seccomp_filter) continue;
    // CRIU has the first thread give its filters to all others, where they are the same.
    if (tid == pid || !leader.seccomp_filter) return unfiltered(name);
    synced_.insert(*leader.seccomp_filter);
  }
  const auto ids = REPRISE_PASS(decode(Image::kIds, pid, image::decode_ids));
  if (process.parent == 0) init_ = ids;
  return check_namespaces(ids, init_, inventory_.host, grants_, who);
}

Result<void> Vetting::check_processes() {
  const auto processes = REPRISE_PASS(decode(Image::kProcesses, "", image::decode_processes));
  // CRIU makes the container's process ids its own only for a first process of number 1.
  const bool first = processes.front().parent == 0 &&
                     std::ranges::count(processes, 0U, &image::CriuProcess::parent) == 1;
  const auto ns = grants_.namespaces.find("pid");
  const bool own_pids = ns != grants_.namespaces.end() && ns->second.empty();
  if (!first || (own_pids && processes.front().pid != 1))
    return more("the list of processes", "processes outside of the container");
  for (const image::CriuProcess& process : processes) REPRISE_PASS(check_process(process));
  // A core image that belongs to no thread would be one that nobody looked at.
  for (const auto& [tid, name] : all(Image::kThread))
    if (!threads_.contains(tid))
      return fail(ErrorCode::kCorrupt, "the image '" + name + "' belongs to no process");
  return {};
}

Result<void> Vetting::check_seccomp() {
  if (grants_.seccomp.empty() && filters_.empty()) return {};
  std::vector<image::CriuSeccompFilter> filters;
  if (!all(Image::kSeccomp).empty())
    filters = REPRISE_PASS(decode(Image::kSeccomp, "", image::decode_seccomp));
  const std::string program =
      grants_.seccomp.empty() ? std::string() : REPRISE_PASS(compile_profile(grants_.seccomp));
  for (const std::uint32_t index : synced_)
    if (!is_for_all_threads(filters, index)) return unfiltered("a thread");
  const auto with = REPRISE_PASS(with_filter(std::move(filters), filters_, program));
  if (!grants_.seccomp.empty()) vetted_.seccomp = image::encode_seccomp(with);
  return {};
}

Result<void> Vetting::check_all_mounts() {
  const std::string own = std::to_string(init_.mnt);
  const auto first = REPRISE_PASS(decode(Image::kMounts, own, image::decode_mounts));
  REPRISE_PASS(check_mounts(first, grants_, host_.exists));
  mounts_ = first;
  for (const auto& [number, name] : all(Image::kMounts)) {
    if (number == own) continue;
    const auto further = REPRISE_PASS(decode(Image::kMounts, number, image::decode_mounts));
    REPRISE_PASS(check_further_mounts(further, first, grants_, host_.exists));
    mounts_.insert(mounts_.end(), further.begin(), further.end());
  }
  return {};
}

Result<void> Vetting::check_all_files() {
  const auto files = REPRISE_PASS(decode(Image::kFiles, "", image::decode_files));
  REPRISE_PASS(check_files(files, mounts_, grants_));
  for (const auto& [number, name] : all(Image::kGhost)) {
    const auto ghost = REPRISE_PASS(decode(Image::kGhost, number, image::decode_ghost));
    REPRISE_PASS(check_ghost(ghost, grants_, "'" + name + "'"));
  }
  std::map<std::uint64_t, std::set<std::string>> links;  // by device
  for (const auto& [number, name] : all(Image::kTmpfs)) {
    const auto found =
        REPRISE_TRY(check_tree(images_ / name, grants_), "reading the image '" + name + "'");
    std::uint64_t device = 0;
    std::from_chars(number.data(), number.data() + number.size(), device);
    links[device].insert(found.begin(), found.end());
  }
  if (all(Image::kRemaps).empty()) return {};
  const auto remaps = REPRISE_PASS(decode(Image::kRemaps, "", image::decode_remaps));
  for (const MadePlace& place : made_places(files, remaps, mounts_)) {
    if (links.contains(place.device) && passes_link(place, links.at(place.device)))
      return more("a deleted file", "'" + place.path + "', which leads through a symbolic link");
    vetted_.places.push_back(place);
  }
  return {};
}

Result<void> Vetting::check_other_namespaces() {
  const auto path_of = [&](const char* name) {
    const auto found = grants_.namespaces.find(name);
    return found == grants_.namespaces.end() ? std::string() : found->second;
  };
  for (const auto& [number, name] : all(Image::kNetwork)) {
    const std::string key =
        REPRISE_PASS(decode(Image::kNetwork, number, image::decode_network_key));
    const bool own = number == std::to_string(init_.net);
    // What runc calls the one that was there before the container.
    if (own && key != (path_of("network").empty() ? "" : "extRootNetNS"))
      return more("'" + name + "'", "another network than the container's");
    if (!own && (!key.empty() || !grants_.may(kCapSysAdmin)))
      return more("'" + name + "'", "a second network namespace");
  }
  const bool makes_network = path_of("network").empty() || grants_.may(kCapSysAdmin);
  if (const auto& contents = all(Image::kNetworkContents); !contents.empty() && !makes_network)
    return more("'" + contents.begin()->second + "'", "network devices and rules of its own");
  for (const auto& [number, name] : all(Image::kPidNamespace)) {
    const std::string key =
        REPRISE_PASS(decode(Image::kPidNamespace, number, image::decode_pid_key));
    if (!key.empty() && path_of("pid").empty())
      return more("'" + name + "'", "process ids of somebody else");
  }
  if (grants_.namespaces.contains("user"))
    return check_user_namespace(
        REPRISE_PASS(decode(Image::kUserNamespace, std::to_string(init_.user),
                            image::decode_user_namespace)),
        grants_);
  if (!all(Image::kUserNamespace).empty())
    return more("the checkpoint", "a user namespace of its own");
  return {};
}

// By these names runc hands its own descriptors to CRIU, by their places in the list.
Result<void> Vetting::check_descriptors() {
  const std::string text = REPRISE_PASS(read("descriptors.json"));
  const auto list = json_reader::parse_or_discarded(text);
  constexpr std::size_t kStandard = 3;
  const bool fine = list.is_array() && list.size() <= kStandard &&
                    std::ranges::all_of(list, [](const auto& item) { return item.is_string(); });
  if (fine) return {};
  return fail(ErrorCode::kCorrupt, "'descriptors.json' is not a list of three names");
}

Result<void> Vetting::check_all_cgroups() {
  if (all(Image::kCgroups).empty()) return {};
  const auto cgroups = REPRISE_PASS(decode(Image::kCgroups, "", image::decode_cgroups));
  if (!host_.only_cgroup2) return check_cgroups(cgroups, grants_, host_.controllers);
  vetted_.cgroups =
      image::encode_cgroups(REPRISE_PASS(renewed_cgroups(cgroups, grants_, cgroup_of(grants_))));
  return {};
}

Result<Vetted> Vetting::run() {
  REPRISE_PASS(sort_files());
  inventory_ = REPRISE_PASS(decode(Image::kInventory, "", image::decode_inventory));
  REPRISE_PASS(check_processes());
  REPRISE_PASS(check_seccomp());
  REPRISE_PASS(check_all_mounts());
  REPRISE_PASS(check_all_files());
  REPRISE_PASS(check_other_namespaces());
  REPRISE_PASS(check_all_cgroups());
  REPRISE_PASS(check_descriptors());
  return std::move(vetted_);
}

}  // namespace

Result<Host> this_host() {
  Host host;
  host.exists = [](const std::string& path) {
    struct stat status{};
    return (path.starts_with("/proc/") || path.starts_with("/sys/")) &&
           ::lstat(path.c_str(), &status) == 0;
  };
  // "4:cpu,cpuacct:/"; the one of version 2 has neither number nor names.
  std::istringstream lines(REPRISE_PASS(sys::read_file("/proc/self/cgroup")));
  bool only_unified = true;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t begin = line.find(':') + 1;
    std::istringstream names(line.substr(begin, line.find(':', begin) - begin));
    for (std::string name; std::getline(names, name, ',');) {
      host.controllers.insert(name);
      only_unified = false;
    }
  }
  host.controllers.insert("");
  host.only_cgroup2 = only_unified;
  return host;
}

Result<Vetted> vet_images(const std::filesystem::path& images, const Grants& grants,
                          const Host& host) {
  return Vetting(images, grants, host).run();
}

Result<void> check_places(const std::vector<MadePlace>& places, const std::filesystem::path& root,
                          const std::map<std::string, std::string>& sources) {
  for (const MadePlace& place : places) {
    const auto source = sources.find(place.mount);
    // A path is absolute and begins with that of its mount, which check_files() and CRIU see to.
    const std::string below = source == sources.end() || !place.path.starts_with(place.mount + "/")
                                  ? place.path.substr(1)
                                  : place.path.substr(place.mount.size() + 1);
    const std::filesystem::path start =
        source == sources.end() ? root : std::filesystem::path(source->second);
    const std::filesystem::path parent = std::filesystem::path(below).parent_path();
    if (parent.empty()) continue;
    const auto opened = sys::open_beneath(start, parent, O_PATH);
    if (opened || opened.error().code() == ErrorCode::kNotFound) continue;
    return more("a deleted file", "'" + place.path + "', which leads through a symbolic link");
  }
  return {};
}

}  // namespace reprise::vetting
