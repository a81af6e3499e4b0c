#include "dispatcher/core/persistent_state.hpp"

#include <nlohmann/json.hpp>

#include <limits>
#include <optional>
#include <utility>

namespace stadion::dispatcher {
namespace {

using json = nlohmann::ordered_json;
using wire::make_error;
using wire::status;

constexpr std::uint32_t format = 1;

// Reads fields of one object and keeps the first failure: a field that is missing or of the wrong kind.
class field_reader {
public:
    field_reader(const json& object, std::string place) : object_(object), place_(std::move(place)) {}

    template <typename Number>
    Number number(const char* name) {
        const auto field = object_.find(name);
        if (field == object_.end() || !field->is_number_unsigned() ||
            field->get<std::uint64_t>() > std::numeric_limits<Number>::max())
            return fail(name, "is not a number in range"), Number{};
        return field->get<Number>();
    }

    std::string text(const char* name) {
        const auto field = object_.find(name);
        if (field == object_.end() || !field->is_string()) return fail(name, "is not a text"), std::string();
        return field->get<std::string>();
    }

    // Of a field that earlier versions did not write.
    std::string text_if_there(const char* name) {
        return object_.contains(name) ? text(name) : std::string();
    }

    void fail(const char* name, const char* what) {
        if (!failure_) failure_ = place_ + name + ' ' + what;
    }

    const std::optional<std::string>& failure() const { return failure_; }

private:
    const json& object_;
    std::string place_;
    std::optional<std::string> failure_;
};

wire::error damaged(const std::string& what) {
    return make_error(status::data_loss, "the dispatcher's memory is damaged: " + what);
}

wire::result<child_record> decode_child(const json& object, std::size_t index) {
    const std::string place = "children[" + std::to_string(index) + "]";
    if (!object.is_object()) return damaged(place + " is not an object");
    field_reader fields(object, place + ".");
    child_record child;
    child.kind = fields.text("kind");
    child.address = fields.text("address");
    child.pid = fields.number<std::uint32_t>("pid");
    child.born = fields.number<std::uint64_t>("born");
    child.dispatcher = fields.text_if_there("dispatcher");
    if (fields.failure()) return damaged(*fields.failure());
    return child;
}

wire::result<writer_record> decode_writer(const json& object) {
    if (!object.is_object()) return damaged("writer is not an object");
    field_reader fields(object, "writer.");
    writer_record writer;
    writer.server_id = fields.number<std::uint32_t>("server_id");
    writer.epoch = fields.number<std::uint64_t>("epoch");
    writer.board = fields.number<std::uint64_t>("board");
    writer.sequence = fields.number<std::uint64_t>("sequence");
    if (fields.failure()) return damaged(*fields.failure());
    return writer;
}

wire::result<clocksync::ring_record> decode_ring(const json& object) {
    if (!object.is_object()) return damaged("ring is not an object");
    field_reader fields(object, "ring.");
    clocksync::ring_record ring;
    ring.number = fields.number<std::uint64_t>("number");
    const auto servers = object.find("servers");
    if (servers == object.end() || !servers->is_array()) fields.fail("servers", "is not a list");
    if (fields.failure()) return damaged(*fields.failure());
    for (std::size_t index = 0; index < servers->size(); ++index) {
        const std::string place = "ring.servers[" + std::to_string(index) + "]";
        if (!(*servers)[index].is_object()) return damaged(place + " is not an object");
        field_reader one((*servers)[index], place + ".");
        ring.ring.push_back(
            {one.number<std::uint32_t>("server_id"), one.number<std::uint64_t>("incarnation")});
        if (one.failure()) return damaged(*one.failure());
    }
    return ring;
}

} // namespace

std::string encode(const persistent_state& state) {
    json children = json::array();
    for (const child_record& child : state.children)
        children.push_back({{"kind", child.kind},
                            {"address", child.address},
                            {"pid", child.pid},
                            {"born", child.born},
                            {"dispatcher", child.dispatcher}});
    json ring = json::array();
    for (const clocksync::ring_member& one : state.ring.ring)
        ring.push_back({{"server_id", one.id}, {"incarnation", one.incarnation}});
    const json document{{"format", format},
                        {"starts", state.starts},
                        {"epoch", state.lock.epoch},
                        {"leader", state.lock.leader},
                        {"next_server_id", state.next_server_id},
                        {"writer",
                         {{"server_id", state.writer.server_id},
                          {"epoch", state.writer.epoch},
                          {"board", state.writer.board},
                          {"sequence", state.writer.sequence}}},
                        {"ring_key", state.ring_key},
                        {"ring", {{"number", state.ring.number}, {"servers", std::move(ring)}}},
                        {"children", std::move(children)}};
    return document.dump(2, ' ', false, json::error_handler_t::replace) + '\n';
}

wire::result<persistent_state> decode_state(std::string_view text) {
    const json document = json::parse(text, nullptr, false);
    if (!document.is_object()) return damaged("it is not a JSON object");

    field_reader fields(document, "");
    const auto written_format = fields.number<std::uint32_t>("format");
    if (!fields.failure() && written_format > format)
        return make_error(status::failed_precondition,
                          "the dispatcher's memory has format " + std::to_string(written_format) +
                              ", newer than this program's " + std::to_string(format));
    persistent_state state;
    state.starts = fields.number<std::uint32_t>("starts");
    state.lock.epoch = fields.number<std::uint64_t>("epoch");
    state.lock.leader = fields.number<std::uint32_t>("leader");
    state.next_server_id = fields.number<std::uint32_t>("next_server_id");
    if (document.contains("ring_key")) // files of older versions have none
        state.ring_key = fields.number<std::uint64_t>("ring_key");
    if (state.next_server_id == 0) fields.fail("next_server_id", "is 0");
    const auto children = document.find("children");
    if (children == document.end() || !children->is_array()) fields.fail("children", "is not a list");
    const auto ring = document.find("ring");
    if (ring == document.end()) fields.fail("ring", "is not there");
    if (fields.failure()) return damaged(*fields.failure());

    // Files of older versions have none.
    if (const auto writer = document.find("writer"); writer != document.end()) {
        auto decoded_writer = decode_writer(*writer);
        if (!decoded_writer) return std::move(decoded_writer).error();
        state.writer = *decoded_writer;
    }
    auto decoded_ring = decode_ring(*ring);
    if (!decoded_ring) return std::move(decoded_ring).error();
    state.ring = *std::move(decoded_ring);
    state.ring.last_id = state.next_server_id - 1;
    for (std::size_t index = 0; index < children->size(); ++index) {
        auto child = decode_child((*children)[index], index);
        if (!child) return std::move(child).error();
        state.children.push_back(*std::move(child));
    }
    return state;
}

} // namespace stadion::dispatcher
