#include "wire/json.hpp"

#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>

namespace stadion::wire {
namespace pb = google::protobuf;

std::string to_json(const pb::Message& message) {
    pb::util::JsonPrintOptions options;
    options.always_print_primitive_fields = true;
    options.preserve_proto_field_names = true;
    std::string text;
    const auto status = pb::util::MessageToJsonString(message, &text, options);
    return status.ok() ? text : "{}";
}

result<void> from_json(std::string_view text, pb::Message& message) {
    if (!json_depth_is_bounded(text))
        return make_error(status::invalid_argument, "the JSON nests deeper than 32 levels");
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return {}; // an empty request
    const auto parsed = pb::util::JsonStringToMessage(pb::StringPiece(text.data(), text.size()), &message);
    if (parsed.ok()) return {};
    return make_error(status::invalid_argument,
                      message.GetDescriptor()->name() + ": " + std::string(parsed.message()));
}

bool json_depth_is_bounded(std::string_view text) noexcept {
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\')
                ++i;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > json_depth_max) return false;
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return true;
}

} // namespace stadion::wire
