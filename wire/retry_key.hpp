// Idempotency keys that a server makes for a request it passes on, so that it may ask another server when the
// first one fails. Nobody asks again under such a key once the request has ended; so it begins with this, and
// is not kept for a day but for `retry_key_kept` only.
#pragma once

#include <chrono>
#include <string_view>

namespace stadion::wire {

inline constexpr std::string_view retry_key_prefix = "stadion-retry-";
inline constexpr std::chrono::minutes retry_key_kept{10};

} // namespace stadion::wire
