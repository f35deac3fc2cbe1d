// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer: the file of a checkpoint, as it lies there; its first line with a right checksum; and
// what its seal holds, sealed by the right key. Opening it ends with an answer, and what was opened
// is sealed to something that opens equal.
#include <zstd.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "base/bytes.h"
#include "image/digest.h"
#include "input.h"
#include "pages/contents.h"

namespace {

using namespace reprise;  // NOLINT(google-build-using-namespace): one file, one subject

const base::CheckpointId kId{"k3v9x0a1b2c3"};  // of the seeds

void check(const std::string& file) {
  const auto contents = pages::open_contents(fuzz::keys(), kId, file);
  if (!contents) return;
  const auto sealed = pages::seal_contents(fuzz::keys(), *contents);
  fuzz::require(sealed.has_value(), "what was opened can be sealed");
  const auto again = pages::open_contents(fuzz::keys(), kId, *sealed);
  fuzz::require(again && again->manifest == contents->manifest &&
                    again->blocks == contents->blocks && again->files == contents->files,
                "and opens equal");
}

std::string with_checksum(const std::string& line) {
  auto header = nlohmann::ordered_json::parse(line, nullptr, false);
  if (!header.is_object()) return line;
  header.erase("checksum");
  // Not every text is UTF-8; what is not cannot have a checksum.
  const std::string text =
      header.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  header["checksum"] = image::digest_of(text);
  return header.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

std::string sealed(const std::string& plain) {
  static const std::string kLine = [] {
    const std::string file = *pages::seal_contents(
        fuzz::keys(), {.manifest = {.id = kId, .key = base::ContainerKey("k")}});
    return file.substr(0, file.find('\n') + 1);
  }();
  std::vector<std::byte> compressed(ZSTD_compressBound(plain.size()));
  compressed.resize(
      ZSTD_compress(compressed.data(), compressed.size(), plain.data(), plain.size(), 1));
  std::vector<std::byte> bytes;
  const auto done = fuzz::keys().manifests.seal(compressed, base::as_bytes(kLine), bytes);
  fuzz::require(done.has_value(), "anything can be sealed");
  return kLine + std::string(base::as_text(bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string input = fuzz::text_of(data, size);
  switch (fuzz::way_of(input, 3)) {
    case 0:
      check(input);
      break;
    case 1:
      check(with_checksum(input));
      break;
    default:
      check(sealed(input));
  }
  return 0;
}
