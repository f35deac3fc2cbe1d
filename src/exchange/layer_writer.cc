// SPDX-License-Identifier: Apache-2.0
#include "exchange/layer_writer.h"

#include <fcntl.h>
#include <unistd.h>
#include <zstd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "archive/tar.h"
#include "crypto/hex.h"
#include "sys/files.h"

namespace reprise::exchange {

using base::ErrorCode;
using base::fail;
using base::fail_errno;
using base::Result;
using std::filesystem::path;

std::string Digester::finish() { return "sha256:" + crypto::to_hex(sum_.finish()); }

struct LayerWriter::State {
  sys::UniqueFd fd;
  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> compressor{ZSTD_createCCtx(),
                                                                  &ZSTD_freeCCtx};
  std::vector<char> out = std::vector<char>(ZSTD_CStreamOutSize());
  Digester before;
  Digester after;
  std::uint64_t bytes = 0;
};

LayerWriter::LayerWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
LayerWriter::LayerWriter(LayerWriter&&) noexcept = default;
LayerWriter& LayerWriter::operator=(LayerWriter&&) noexcept = default;
LayerWriter::~LayerWriter() = default;

Result<LayerWriter> LayerWriter::create(const path& file) {
  auto state = std::make_unique<State>();
  constexpr mode_t kReadable = 0644;  // as tools of containers make it
  state->fd = REPRISE_PASS(sys::open_file(file, O_WRONLY | O_CREAT | O_EXCL, kReadable));
  REPRISE_ASSERT(state->compressor != nullptr);
  return LayerWriter(std::move(state));
}

Result<void> LayerWriter::compress(std::span<const char> data, bool end) {
  ZSTD_inBuffer in{data.data(), data.size(), 0};
  for (;;) {
    ZSTD_outBuffer out{state_->out.data(), state_->out.size(), 0};
    const std::size_t left = ZSTD_compressStream2(state_->compressor.get(), &out, &in,
                                                  end ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left) != 0U)
      return fail(ErrorCode::kInternal, std::string("zstd: ") + ZSTD_getErrorName(left));
    const std::span<const char> made = std::span(state_->out).first(out.pos);
    state_->after.update(made);
    state_->bytes += made.size();
    REPRISE_PASS(archive::write_to(state_->fd.get())(made));
    if (end ? left == 0 : in.pos == in.size) return {};
  }
}

Result<void> LayerWriter::write(std::span<const char> data) {
  state_->before.update(data);
  return compress(data, false);
}

Result<Layer> LayerWriter::finish() {
  REPRISE_PASS(compress({}, true));
  if (::fsync(state_->fd.get()) != 0) return fail_errno(errno, "syncing a layer");
  return Layer{.blob = {.digest = state_->after.finish(), .bytes = state_->bytes},
               .uncompressed_digest = state_->before.finish()};
}

std::string sha256_of_text(std::string_view text) {
  Digester sum;
  sum.update(text);
  return sum.finish();
}

Result<std::string> sha256_of(const path& file) {
  const sys::UniqueFd fd = REPRISE_PASS(sys::open_file(file, O_RDONLY | O_NOFOLLOW));
  Digester sum;
  REPRISE_PASS(archive::copy_contents(archive::read_from(fd.get()),
                                      [&sum](std::span<const char> data) -> Result<void> {
                                        sum.update(data);
                                        return {};
                                      }));
  return sum.finish();
}

}  // namespace reprise::exchange
