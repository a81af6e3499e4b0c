#include "wire/error_message.hpp"

#include "wire/utf8.hpp"

namespace stadion::wire {

namespace {

// Messages name what a caller has sent, which may be long.
constexpr std::size_t message_bytes_max = 4096;

} // namespace

v1::Error to_message(const error& failure) {
    v1::Error message;
    message.set_message(std::string(clip_utf8(failure.message, message_bytes_max)));
    message.set_origin(failure.origin);
    message.set_retry_after_ms(static_cast<std::uint32_t>(failure.retry_after.count()));
    message.set_outcome_unknown(failure.outcome_unknown);
    for (const auto& [key, value] : failure.details) (*message.mutable_details())[key] = value;
    return message;
}

error to_error(status code, const v1::Error& message) {
    auto failure = make_error(code, message.message());
    failure.origin = message.origin();
    failure.retry_after = std::chrono::milliseconds(message.retry_after_ms());
    failure.outcome_unknown = message.outcome_unknown();
    for (const auto& [key, value] : message.details()) failure.details[key] = value;
    return failure;
}

} // namespace stadion::wire
