// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer: a store of which some bytes were changed, files cut off or removed, and then what
// `reprise store repair` does. It ends with an answer, and what can be read afterwards is what was
// stored.
//
// An input is a row of changes of kChange bytes: file, place (3), what (1), value (1).
#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <vector>

#include "catalog/catalog.h"
#include "input.h"
#include "scratch_directory.h"
#include "store/catalog_repair.h"
#include "store/checkpoint_store.h"
#include "store/open_catalog.h"

namespace {

using namespace reprise;  // NOLINT(google-build-using-namespace): one file, one subject
namespace fs = std::filesystem;

constexpr std::size_t kChange = 6;
constexpr std::size_t kChanges = 16;

std::string read(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void write(const fs::path& file, const std::string& contents) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << contents;
}

// Three pages of its own and two that all have.
std::string memory_of(char which) {
  std::string memory;
  for (const char page :
       {which, 'x', static_cast<char>(which + 1), 'y', static_cast<char>(which + 2)})
    memory.append(4096, page);
  return memory + "end";
}

class Store {
 public:
  Store() {
    ::setenv("REPRISE_KEY", std::string(64, 'a').c_str(), 1);
    const auto store = store::open_store(config());
    auto catalog = store::open_catalog(config());
    fuzz::require(store && catalog, "a store can be made");
    for (const char which : {'a', 'h', 'p'}) put(**store, *catalog, which);
  }

  // Takes what every input begins with: all files, once they are complete.
  void remember() {
    for (const auto& entry : fs::recursive_directory_iterator(work()))
      if (entry.is_regular_file() && !entry.path().string().ends_with("-shm"))
        files_[entry.path()] = read(entry.path());
  }

  void reset() const {
    std::error_code ignored;
    fs::remove_all(work(), ignored);
    for (const auto& [file, contents] : files_) {
      fs::create_directories(file.parent_path());
      write(file, contents);
    }
  }

  void change(const unsigned char* bytes) const {
    auto file = std::next(files_.begin(), static_cast<std::ptrdiff_t>(bytes[0] % files_.size()));
    std::string contents = read(file->first);
    if (contents.empty()) return;
    const std::size_t wanted = bytes[1] + 256U * bytes[2] + 65536U * bytes[3];
    const std::size_t at = wanted % contents.size();
    switch (bytes[4] % 8U) {
      case 0:
        contents.resize(at);
        break;
      case 1:
        fs::remove(file->first);
        return;
      default:
        contents[at] = static_cast<char>(bytes[5]);
    }
    write(file->first, contents);
  }

  // As `reprise store repair`.
  void repair() const {
    const auto store = store::open_store(config());
    if (!store) return;
    static_cast<void>((*store)->rebuild_index(std::chrono::milliseconds(0)));
    auto catalog = store::open_catalog(config());
    if (!catalog) return;
    const auto repaired = store::repair_catalog(**store, *catalog, config().root);
    if (!repaired) return;
    const auto again = store::repair_catalog(**store, *catalog, config().root);
    fuzz::require(again && again->added.empty() && again->removed.empty(),
                  "a second repair finds nothing to do");
  }

  void check() const {
    const auto store = store::open_store(config());
    if (!store) return;
    const auto ids = (*store)->list();
    if (!ids) return;
    for (const base::CheckpointId& id : *ids) check(**store, id);
  }

 private:
  [[nodiscard]] fs::path work() const { return scratch_.path() / "store"; }
  // Its key lies in no file, so that no change takes it away.
  [[nodiscard]] store::StoreConfig config() const {
    return {.root = work(),
            .key = {.kind = crypto::KeySource::Kind::kEnvironment, .value = "REPRISE_KEY"}};
  }

  void put(store::CheckpointStore& store, catalog::Catalog& catalog, char which) {
    auto writer = store.begin({});
    fuzz::require(writer.has_value(), "a checkpoint can be begun");
    write((*writer)->pages().spool() / "pages-1.img", memory_of(which));
    fuzz::require((*writer)->pages().absorb().has_value(), "and written");
    const auto manifest = (*writer)->seal({.key = base::ContainerKey("web")});
    fuzz::require(manifest && (*writer)->settle(), "and sealed");
    fuzz::require(
        catalog.add_checkpoint(*manifest, "", catalog::Catalog::Continue::kNo).has_value(),
        "and noted");
    memories_[manifest->id] = memory_of(which);
  }

  void check(store::CheckpointStore& store, const base::CheckpointId& id) const {
    const auto reader = store.open(id);
    if (!reader) return;
    const auto images = (*reader)->pages().materialize();
    if (!images) return;
    const auto expected = memories_.find(id);
    fuzz::require(expected != memories_.end(), "no checkpoint comes from nowhere");
    fuzz::require(read(*images / "pages-1.img") == expected->second, "none has other contents");
  }

  fuzz::ScratchDirectory scratch_;
  std::map<fs::path, std::string> files_;
  std::map<base::CheckpointId, std::string> memories_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Store& store = *[] {
    static Store made;
    made.remember();
    return &made;
  }();
  store.reset();
  for (std::size_t i = 0; i < kChanges && (i + 1) * kChange <= size; ++i)
    store.change(data + i * kChange);
  store.repair();
  store.check();
  return 0;
}
