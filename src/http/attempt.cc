// SPDX-License-Identifier: Apache-2.0
#include "http/internal/attempt.h"

#include <algorithm>
#include <cctype>
#include <cstring>

namespace reprise::http {

using base::ErrorCode;
using base::fail;

namespace {

constexpr std::size_t kErrorLimit = std::size_t{64} << 10;

void append(HeaderList& list, const std::string& text) {
  list.reset(curl_slist_append(list.release(), text.c_str()));
}

// Reserved whole, so that nothing of it is left behind where it grew. libcurl's copy is not wiped.
void append_secret(HeaderList& list, const SecretHeader& secret) {
  constexpr std::string_view kColon = ": ";
  std::string header;
  header.reserve(secret.name.size() + kColon.size() + secret.value.size());
  header += secret.name;
  header += kColon;
  const auto view = secret.value.view();
  header.append(reinterpret_cast<const char*>(view.data()), view.size());
  append(list, header);
  crypto::wipe(std::as_writable_bytes(std::span(header)));
}

}  // namespace

std::size_t Attempt::on_header(char* data, std::size_t, std::size_t bytes, void* self) {
  std::string_view line(data, bytes);
  const std::size_t colon = line.find(':');
  auto& headers = static_cast<Attempt*>(self)->response.headers;
  if (line.starts_with("HTTP/")) headers.clear();  // what an answer "100 Continue" had
  if (colon == std::string_view::npos) return bytes;
  std::string name(line.substr(0, colon));
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  line.remove_prefix(colon + 1);
  const std::size_t begin = line.find_first_not_of(" \t\r\n");
  const std::size_t end = line.find_last_not_of(" \t\r\n");
  headers[name] =
      begin == std::string_view::npos ? "" : std::string(line.substr(begin, end - begin + 1));
  return bytes;
}

Result<void> Attempt::take(std::span<const std::byte> data) {
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  const bool success = status >= 200 && status < 300;
  if (success && request.into) {
    if (data.size() > request.into->size() - response.received)
      return fail(ErrorCode::kCorrupt, "more bytes came than were asked for");
    std::memcpy(request.into->data() + response.received, data.data(), data.size());
  } else {
    if (response.body.size() + data.size() > (success ? request.limit : kErrorLimit))
      return fail(ErrorCode::kInvalidInput,
                  "the answer is longer than " + std::to_string(request.limit) + " bytes");
    response.body.append(reinterpret_cast<const char*>(data.data()), data.size());
  }
  response.received += data.size();
  return {};
}

std::size_t Attempt::on_body(char* data, std::size_t, std::size_t bytes, void* self) {
  auto& attempt = *static_cast<Attempt*>(self);
  const Result<void> taken = attempt.take(std::as_bytes(std::span(data, bytes)));
  if (taken) return bytes;
  attempt.failure = taken.error();
  return CURL_WRITEFUNC_ERROR;
}

std::size_t Attempt::on_send(char* data, std::size_t size, std::size_t count, void* self) {
  auto& attempt = *static_cast<Attempt*>(self);
  const Body& body = *attempt.request.body;
  const auto bytes =
      static_cast<std::size_t>(std::min<std::uint64_t>(size * count, body.bytes() - attempt.sent));
  const Result<void> read = body.read(attempt.sent, std::as_writable_bytes(std::span(data, bytes)));
  if (!read) {
    attempt.failure = read.error();
    return CURL_READFUNC_ABORT;
  }
  attempt.sent += bytes;
  return bytes;
}

int Attempt::on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto* stop = static_cast<Attempt*>(self)->request.stop;
  return stop != nullptr && *stop ? 1 : 0;
}

// HTTP/1.0 without a length says the end by closing, which a cut does as well.
bool Attempt::is_whole() const {
  return request.method == "HEAD" || response.status == 204 || response.status == 304 ||
         response.headers.contains("content-length") ||
         response.headers.contains("transfer-encoding");
}

HeaderList Attempt::set_up(const ClientOptions& options) {
  HeaderList headers;
  // Waiting for "100 Continue" costs a round trip per part, and a second where nobody says it.
  append(headers, "Expect:");
  for (const std::string& header : request.headers) append(headers, header);
  for (const SecretHeader& secret : options.secret_headers) append_secret(headers, secret);
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, trouble.data());
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &on_progress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, this);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_HTTPGET, 1L);  // takes back what the last request was
  if (request.method == "HEAD") curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  if (request.body) {
    curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(handle, CURLOPT_READFUNCTION, &on_send);
    curl_easy_setopt(handle, CURLOPT_READDATA, this);
    curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE,
                     static_cast<curl_off_t>(request.body->bytes()));
  }
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST,
                   request.method == "HEAD" ? nullptr : request.method.c_str());
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  return headers;
}

}  // namespace reprise::http
