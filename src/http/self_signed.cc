// SPDX-License-Identifier: Apache-2.0
#include "http/self_signed.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <span>

#include "crypto/secret.h"
#include "crypto/sha256.h"

namespace reprise::http {

using base::ErrorCode;
using base::Result;

namespace {

template <auto kFree>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreeWith<X509_free>>;
using Number = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;
using Memory = std::unique_ptr<BIO, FreeWith<BIO_free>>;

constexpr std::size_t kPinCharacters = 44;

std::unexpected<base::Error> refused() {
  return base::fail(ErrorCode::kInternal, "no certificate can be made");
}

bool fill(X509& certificate, EVP_PKEY& key, const std::string& name) {
  constexpr int kSerialBits = 127;
  constexpr long kAnHour = 3600;
  constexpr long kTenYears = 10L * 366 * 24 * kAnHour;
  const Number serial(BN_new());
  X509_NAME* const subject = X509_get_subject_name(&certificate);
  return X509_set_version(&certificate, X509_VERSION_3) == 1 && serial &&
         BN_rand(serial.get(), kSerialBits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(&certificate)) != nullptr &&
         // Clocks differ.
         X509_gmtime_adj(X509_getm_notBefore(&certificate), -kAnHour) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(&certificate), kTenYears) != nullptr &&
         X509_set_pubkey(&certificate, &key) == 1 &&
         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                                    0) == 1 &&
         X509_set_issuer_name(&certificate, subject) == 1 &&
         X509_sign(&certificate, &key, EVP_sha256()) != 0;
}

std::string base64(std::span<const std::byte> bytes) {
  std::string text(kPinCharacters + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::string pin_of(EVP_PKEY& key) {
  unsigned char* der = nullptr;
  const int length = i2d_PUBKEY(&key, &der);
  if (length <= 0) return "";
  crypto::Sha256 hash;
  hash.update(std::as_bytes(std::span(der, static_cast<std::size_t>(length))));
  OPENSSL_free(der);
  return base64(hash.finish());
}

std::string_view text_in(BIO& memory) {
  char* data = nullptr;
  const long length = BIO_get_mem_data(&memory, &data);
  return {data, static_cast<std::size_t>(std::max(length, 0L))};
}

}  // namespace

Result<SelfSigned> make_self_signed(const std::string& name) {
  constexpr std::size_t kLongestName = 64;  // of a common name
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate(X509_new());
  if (!key || !certificate || !fill(*certificate, *key, name.substr(0, kLongestName)))
    return refused();
  const Memory of_certificate(BIO_new(BIO_s_mem()));
  const Memory of_key(BIO_new(BIO_s_secmem()));
  if (!of_certificate || !of_key ||
      PEM_write_bio_X509(of_certificate.get(), certificate.get()) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(of_key.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                    nullptr) != 1)
    return refused();
  SelfSigned made{.certificate = std::string(text_in(*of_certificate)),
                  .key = crypto::SecretText(text_in(*of_key)),
                  .pin = pin_of(*key)};
  if (!is_pin(made.pin)) return refused();
  return made;
}

bool is_pin(const std::string& text) {
  return text.size() == kPinCharacters && text.back() == '=' &&
         std::all_of(text.begin(), text.end() - 1,
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '+' || c == '/'; });
}

}  // namespace reprise::http
