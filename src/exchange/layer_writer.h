// SPDX-License-Identifier: Apache-2.0
//
// A blob of an OCI layout while it is written: compressed, and its digests taken in passing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/sha256.h"
#include "sys/unique_fd.h"

namespace reprise::exchange {

struct Blob {
  std::string digest;  // "sha256:…"
  std::uint64_t bytes = 0;
};

struct Layer {
  Blob blob;                        // as it lies there
  std::string uncompressed_digest;  // image-spec's diff_id
};

class LayerWriter {
 public:
  // `file` must not exist.
  static base::Result<LayerWriter> create(const std::filesystem::path& file);
  LayerWriter(LayerWriter&&) noexcept;
  LayerWriter& operator=(LayerWriter&&) noexcept;
  ~LayerWriter();

  base::Result<void> write(std::span<const char> data);
  // Ends the file and makes it durable. Nothing may be written afterwards.
  base::Result<Layer> finish();

 private:
  struct State;
  explicit LayerWriter(std::unique_ptr<State> state);
  base::Result<void> compress(std::span<const char> data, bool end);
  std::unique_ptr<State> state_;
};

// As the image-spec writes it, "sha256:…", of contents that come in pieces.
class Digester {
 public:
  void update(std::span<const char> data) { sum_.update(std::as_bytes(data)); }
  std::string finish();  // once

 private:
  crypto::Sha256 sum_;
};

std::string sha256_of_text(std::string_view text);
// Of a whole file, which is not followed if it is a link; kNotFound if there is none.
base::Result<std::string> sha256_of(const std::filesystem::path& file);

}  // namespace reprise::exchange
