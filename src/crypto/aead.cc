// SPDX-License-Identifier: Apache-2.0
#include "crypto/aead.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <string>
#include <utility>

namespace reprise::crypto {

using base::ErrorCode;
using base::fail;

namespace {

constexpr auto kAltered = "the data was altered, or was not sealed with this key for this place";

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* in(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* in(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

// One message's cipher. Made anew each time: a context that is kept to be copied would keep the
// expanded key in ordinary memory, and the key schedule costs less than 4 KiB of encryption.
class Message {
 public:
  enum class Direction : int { kOpen = 0, kSeal = 1 };

  Message(const EVP_CIPHER* cipher, const Secret& key, std::span<const std::byte> nonce,
          Direction direction)
      : context_(EVP_CIPHER_CTX_new()),
        good_(context_ != nullptr &&
              EVP_CipherInit_ex2(context_.get(), cipher, in(key.view()), in(nonce),
                                 static_cast<int>(direction), nullptr) == 1) {}

  void bind(std::span<const std::byte> bound) {
    int done = 0;
    if (!bound.empty()) update(nullptr, bound, done);
  }

  void transform(std::span<const std::byte> from, std::span<std::byte> to) {
    int done = 0;
    if (!from.empty()) update(in(to), from, done);
    good_ = good_ && std::cmp_equal(done, from.size());
  }

  // When opening: whether the tag set before belongs to all that went through.
  bool finish() {
    unsigned char none = 0;  // GCM has no padding to write
    int done = 0;
    return good_ && EVP_CipherFinal_ex(context_.get(), &none, &done) == 1;
  }

  void expect_tag(std::span<const std::byte> tag) {
    // The control takes void*, and only reads.
    control(EVP_CTRL_AEAD_SET_TAG, const_cast<std::byte*>(tag.data()));
  }
  void take_tag(std::span<std::byte> tag) { control(EVP_CTRL_AEAD_GET_TAG, tag.data()); }

  [[nodiscard]] bool good() const { return good_; }

 private:
  void update(unsigned char* to, std::span<const std::byte> from, int& done) {
    good_ = good_ && EVP_CipherUpdate(context_.get(), to, &done, in(from),
                                      static_cast<int>(from.size())) == 1;
  }
  void control(int command, void* tag) {
    good_ = good_ &&
            EVP_CIPHER_CTX_ctrl(context_.get(), command, static_cast<int>(kTagBytes), tag) == 1;
  }

  Context context_;
  bool good_;
};

}  // namespace

void Aead::FreeCipher::operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }

Result<Aead> Aead::with_key(const Secret& key) {
  if (key.size() != kKeyBytes)
    return fail(ErrorCode::kInvalidInput, "a key of " + std::to_string(key.size()) +
                                              " bytes, not " + std::to_string(kKeyBytes));
  Cipher cipher(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr));
  if (cipher == nullptr)
    return fail(ErrorCode::kUnsupported, "OpenSSL on this host does not offer AES-256-GCM");
  Secret copy = REPRISE_PASS(Secret::copy_of(key.view()));
  return Aead(std::move(copy), std::move(cipher));
}

Result<void> Aead::seal(std::span<const std::byte> plain, std::span<const std::byte> bound,
                        std::vector<std::byte>& out) const {
  // Before anything is allocated for it.
  if (plain.size() > kSealLimit)
    out.clear();
  else
    out.resize(plain.size() + kSealOverhead);
  Result<void> sealed = seal_into({&plain, 1}, bound, out);
  if (!sealed) out.clear();
  return sealed;
}

Result<void> Aead::seal_into(std::span<const std::span<const std::byte>> parts,
                             std::span<const std::byte> bound, std::span<std::byte> out) const {
  std::size_t bytes = 0;
  for (const auto part : parts) bytes += part.size();
  if (bytes > kSealLimit || bound.size() > kSealLimit)
    return fail(ErrorCode::kInvalidInput,
                "a message of " + std::to_string(bytes) + " bytes is too long to seal");
  if (out.size() != bytes + kSealOverhead)
    return fail(ErrorCode::kInvalidInput, "the room for a message has another size");
  const std::span nonce = out.first(kNonceBytes);
  if (RAND_bytes_ex(nullptr, in(nonce), nonce.size(), /*strength=*/0) != 1)
    return fail(ErrorCode::kInternal, "OpenSSL has no random bytes");
  Message message(cipher_.get(), key_, nonce, Message::Direction::kSeal);
  message.bind(bound);
  std::size_t at = kNonceBytes;
  for (const auto part : parts) {
    message.transform(part, out.subspan(at, part.size()));
    at += part.size();
  }
  const bool finished = message.finish();
  message.take_tag(out.last(kTagBytes));
  if (!finished || !message.good()) return fail(ErrorCode::kInternal, "OpenSSL failed to encrypt");
  return {};
}

Result<void> Aead::open(std::span<const std::byte> sealed, std::span<const std::byte> bound,
                        std::vector<std::byte>& out) const {
  // Before anything is allocated: the length may come from a damaged file.
  if (sealed.size() < kSealOverhead || sealed.size() > kSealLimit + kSealOverhead) {
    wipe(out);
    out.clear();
    return fail(ErrorCode::kCorrupt, kAltered);
  }
  out.resize(sealed.size() - kSealOverhead);
  Result<void> opened = open_into(sealed, bound, out);
  if (!opened) out.clear();
  return opened;
}

Result<void> Aead::open_into(std::span<const std::byte> sealed, std::span<const std::byte> bound,
                             std::span<std::byte> out) const {
  const auto refuse = [&out](ErrorCode code, const char* why) {
    wipe(out);
    return fail(code, why);
  };
  if (sealed.size() < kSealOverhead || sealed.size() > kSealLimit + kSealOverhead ||
      bound.size() > kSealLimit)
    return refuse(ErrorCode::kCorrupt, kAltered);
  if (out.size() != sealed.size() - kSealOverhead)
    return refuse(ErrorCode::kInvalidInput, "the room for a message has another size");
  Message message(cipher_.get(), key_, sealed.first(kNonceBytes), Message::Direction::kOpen);
  message.bind(bound);
  message.transform(sealed.subspan(kNonceBytes, out.size()), out);
  message.expect_tag(sealed.last(kTagBytes));
  if (!message.good()) return refuse(ErrorCode::kInternal, "OpenSSL failed to decrypt");
  if (!message.finish()) return refuse(ErrorCode::kCorrupt, kAltered);
  return {};
}

}  // namespace reprise::crypto
