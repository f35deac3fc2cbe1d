// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer: the file of a pack as it lies there, what follows a right header, and what the seal of
// a block holds. Reading ends with an answer, and no place that a scan tells leads out of the file.
#include <fstream>
#include <vector>

#include "base/bytes.h"
#include "input.h"
#include "pages/pack.h"
#include "scratch_directory.h"

namespace {

using namespace reprise;  // NOLINT(google-build-using-namespace): one file, one subject
namespace fs = std::filesystem;

const char* const kPack = "k3v9x0a1b2c3";

const fs::path& directory() {
  static const fuzz::ScratchDirectory kDirectory;
  return kDirectory.path();
}

pages::PackWriter new_pack() {
  std::error_code ignored;
  fs::remove(pages::pack_file(directory(), kPack), ignored);
  auto writer = pages::PackWriter::create(directory(), kPack, fuzz::keys().id);
  fuzz::require(writer.has_value(), "a pack can be made");
  return std::move(*writer);
}

void check() {
  const auto reader = pages::PackReader::open(directory(), kPack);
  if (!reader) return;
  const auto scanned = reader->scan([&](const pages::BlockPlace& place) -> base::Result<void> {
    fuzz::require(reader->reaches(place), "a block that was found lies in the file");
    const auto bytes = reader->read(place);
    fuzz::require(bytes && bytes->size() == place.bytes, "and can be read");
    static_cast<void>(pages::open_block(fuzz::keys().data, place.id, *bytes));
    return {};
  });
  static_cast<void>(scanned);
}

// docs/format/pack.md
std::vector<std::byte> bound_to(const pages::BlockId& id) {
  const auto purpose = base::as_bytes(std::string_view("reprise block 1 "));
  std::vector<std::byte> bound(purpose.begin(), purpose.end());
  bound.insert(bound.end(), id.begin(), id.end());
  return bound;
}

void append_sealed(pages::PackWriter& pack, const std::string& plain) {
  const pages::BlockId id = pages::random_block_id();
  std::vector<std::byte> sealed;
  const auto done = fuzz::keys().data.seal(base::as_bytes(plain), bound_to(id), sealed);
  fuzz::require(done.has_value(), "anything can be sealed");
  fuzz::require(pack.append(id, sealed).has_value(), "anything sealed can be appended");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string input = fuzz::text_of(data, size);
  const unsigned way = fuzz::way_of(input, 3);
  pages::PackWriter pack = new_pack();
  const fs::path file = pages::pack_file(directory(), kPack);
  if (way == 0) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << input;
  } else if (way == 1) {
    fuzz::require(pack.finish().has_value(), "a pack without blocks can be finished");
    std::ofstream(file, std::ios::binary | std::ios::app) << input;
  } else {
    append_sealed(pack, input);
    fuzz::require(pack.finish().has_value(), "a pack can be finished");
  }
  check();
  return 0;
}
