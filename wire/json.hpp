// Protobuf's JSON mapping, with the field names of the .proto files and bounds on what is accepted.
#pragma once

#include "wire/result.hpp"

#include <string>
#include <string_view>

namespace google::protobuf {
class Message;
}

namespace stadion::wire {

// Fields that have their default value are printed too, so that an answer shows its whole shape.
std::string to_json(const google::protobuf::Message& message);

// INVALID_ARGUMENT, saying where, when the text is not strictly JSON (strict_json.hpp), names a field twice,
// be it by its two names, or does not fit the message. An empty text is an empty message.
result<void> from_json(std::string_view text, google::protobuf::Message& message);

} // namespace stadion::wire
