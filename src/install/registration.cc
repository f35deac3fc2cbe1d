// SPDX-License-Identifier: Apache-2.0
#include "install/registration.h"

#include <unistd.h>

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/log.h"
#include "sys/exists.h"
#include "sys/files.h"

namespace reprise::install {

using base::Error;
using base::ErrorCode;
using base::Result;
using std::filesystem::path;

namespace {

constexpr mode_t kReadable = 0644;
constexpr const char* kNewMain = "version = 3\n";
constexpr const char* kHead =
    "# The runtime of pods with runtimeClassName: reprise. Written by reprise-node.\n";

// Files that are written together, and put back together. From the first that is written on,
// containerd is to be started again, whoever is killed meanwhile.
class Files {
 public:
  explicit Files(path stamp) : stamp_(std::move(stamp)) {}
  // The text; empty where there is no file.
  Result<std::string> read(const path& file) {
    if (!REPRISE_PASS(sys::exists(file))) {
      before_.emplace(file, std::nullopt);
      return std::string();
    }
    std::string text = REPRISE_PASS(sys::read_file(file));
    before_.emplace(file, text);
    return text;
  }
  // Empty: there is to be no such file. One that was read before.
  Result<void> write(const path& file, const std::string& text) {
    if (text == before_.at(file).value_or("")) return {};
    changed_ = true;
    REPRISE_PASS(sys::remove_tree(stamp_));
    if (text.empty()) return sys::remove_tree(file);
    REPRISE_PASS(sys::make_directories(file.parent_path(), 0755));
    return sys::replace_file(file, text, kReadable);
  }
  void put_back() {
    for (const auto& [file, text] : before_) {
      const auto done = text ? sys::replace_file(file, *text, kReadable) : sys::remove_tree(file);
      base::warn_and_ignore(done, "containerd's file could not be put back");
    }
  }
  [[nodiscard]] bool changed() const { return changed_; }

 private:
  path stamp_;
  std::map<path, std::optional<std::string>> before_;
  bool changed_ = false;
};

path drop_in_of(const RegistrationOptions& options) {
  return options.config.parent_path() / "conf.d" / "reprise.toml";
}

std::string import_of(const RegistrationOptions& options) {
  return (options.config.parent_path() / "conf.d" / "*.toml").string();
}

path backup_of(const RegistrationOptions& options) {
  return options.config.string() + ".before-reprise";
}

Result<void> write_main(Files& files, const RegistrationOptions& options, const std::string& before,
                        const std::string& after) {
  if (!before.empty() && before != after && !REPRISE_PASS(sys::exists(backup_of(options))))
    REPRISE_PASS(sys::replace_file(backup_of(options), before, kReadable));
  return files.write(options.config, after);
}

Result<bool> is_understood(const Containerd& containerd, const RegistrationOptions& options) {
  return REPRISE_PASS(read_facts(containerd, options.runtime)).has_handler;
}

// Writes the handler, the one way or the other.
Result<void> write_handler(Files& files, const Containerd& containerd,
                           const RegistrationOptions& options, const std::string& handler) {
  const std::string main = REPRISE_PASS(files.read(options.config));
  if (containerd.major < 2)
    return write_main(files, options, main, with_block(main, kHead + handler));
  const path drop_in = drop_in_of(options);
  REPRISE_PASS(files.read(drop_in));
  REPRISE_PASS(files.write(drop_in, kHead + ("version = 3\n" + handler)));
  if (REPRISE_PASS(is_understood(containerd, options))) return {};
  return write_main(files, options, main,
                    with_import(main.empty() ? kNewMain : main, import_of(options)));
}

Result<void> write_and_try(Files& files, const Containerd& containerd,
                           const RegistrationOptions& options, const std::string& handler) {
  REPRISE_PASS(write_handler(files, containerd, options, handler));
  if (REPRISE_PASS(is_understood(containerd, options))) return {};
  return std::unexpected(
      Error(ErrorCode::kUnsupported, "containerd does not take runtime handler 'reprise' from '" +
                                         options.config.string() + "'")
          .with_hint("another file that it imports has the last word on these settings: register "
                     "the handler there, as docs/kubernetes.md says"));
}

// The main file as it was. Where we did not change it, an import of the same files is another's.
Result<std::string> without_ours(const RegistrationOptions& options, const std::string& main) {
  const std::string pattern = import_of(options);
  if (REPRISE_PASS(sys::exists(backup_of(options))))
    return without_block(without_import(main, pattern));
  return main == with_import(kNewMain, pattern) ? std::string() : main;
}

// Not where it has been since the handler is what it is.
Result<bool> restart_if_it_must(const Containerd& containerd, const RegistrationOptions& options,
                                const ContainerdFacts& facts, const std::string& wanted) {
  if (REPRISE_PASS(sys::exists(options.stamp)) &&
      REPRISE_PASS(sys::read_file(options.stamp)) == wanted)
    return false;
  if (options.restart == Restart::kNever) {
    base::log(base::LogLevel::kWarn, "containerd is to be started again by hand",
              {{"config", options.config.string()}});
    return false;
  }
  REPRISE_PASS(restart(containerd, facts, options.restart));
  REPRISE_PASS(sys::make_directories(options.stamp.parent_path(), 0755));
  REPRISE_PASS(sys::replace_file(options.stamp, wanted, kReadable));
  return true;
}

}  // namespace

Result<Registered> register_handler(const RegistrationOptions& options) {
  const Containerd containerd = REPRISE_PASS(find_containerd(options.config));
  const ContainerdFacts facts = REPRISE_PASS(read_facts(containerd, options.runtime));
  const std::string handler = handler_text(containerd.major, facts, options.runtime);
  Files files(options.stamp);
  if (auto written = write_and_try(files, containerd, options, handler); !written) {
    files.put_back();
    return std::unexpected(std::move(written).error().with_step("registering the runtime handler"));
  }
  const bool restarted = REPRISE_PASS(restart_if_it_must(containerd, options, facts, handler));
  return Registered{.changed = files.changed(), .restarted = restarted};
}

Result<Registered> unregister_handler(const RegistrationOptions& options) {
  const Containerd containerd = REPRISE_PASS(find_containerd(options.config));
  const ContainerdFacts facts = REPRISE_PASS(read_facts(containerd, options.runtime));
  const std::size_t left = REPRISE_PASS(containers_of(facts, options.runtime));
  if (left > 0)
    return std::unexpected(
        Error(ErrorCode::kBusy, std::to_string(left) + " containers of runtime class 'reprise' "
                                                       "are on this node")
            .with_hint("delete or move their pods first: without Reprise nobody could stop them"));
  Files files(options.stamp);
  const std::string main = REPRISE_PASS(files.read(options.config));
  REPRISE_PASS(files.read(drop_in_of(options)));
  REPRISE_PASS(files.write(drop_in_of(options), ""));
  const std::string bare = REPRISE_PASS(without_ours(options, main));
  REPRISE_PASS(files.write(options.config, bare));
  REPRISE_PASS(sys::remove_tree(backup_of(options)));
  ::rmdir(drop_in_of(options).parent_path().c_str());  // fails if anything else is in it
  const bool restarts = files.changed() && options.restart != Restart::kNever;
  if (restarts) REPRISE_PASS(restart(containerd, facts, options.restart));
  REPRISE_PASS(sys::remove_tree(options.stamp));
  return Registered{.changed = files.changed(), .restarted = restarts};
}

}  // namespace reprise::install
