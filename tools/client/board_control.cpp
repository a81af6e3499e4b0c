#include "tools/client/board_control.hpp"

#include "tools/client/board_text.hpp"
#include "wire/json.hpp"
#include "wire/status.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace stadion::tools {
namespace {

using nlohmann::json;
using lines = std::vector<std::string>;

wire::error not_understood(std::string_view body) {
    return wire::make_error(wire::status::internal, "the answer is not understood: " + std::string(body));
}

json read(std::string_view body) { return json::parse(body, nullptr, false); }

// A team's medals are an object of their own in JSON, and fields in the message.
template <typename Message>
wire::result<std::string> line_of(json state) {
    if (state.is_null()) return std::string("nothing");
    if (const auto medals = state.find("medals"); medals != state.end() && medals->is_object()) {
        const json counts = *medals;
        state.erase(medals);
        state.update(counts);
    }
    Message message;
    if (const auto read = wire::from_json(state.dump(), message); !read) return read.error();
    return to_line(message);
}

template <typename Message>
wire::result<void> append_both(const json& one, lines& to) {
    const auto shown = line_of<Message>(one.value("public", json()));
    const auto live = line_of<Message>(one.value("live", json()));
    if (!shown) return shown.error();
    if (!live) return live.error();
    to.push_back("public  " + *shown);
    to.push_back("  live  " + *live);
    return {};
}

} // namespace

std::string freeze_body(bool frozen) { return json{{"frozen", frozen}}.dump(); }
std::string reversal_body(std::string_view why) { return json{{"reason", why}}.dump(); }
std::string reversal_path(std::uint64_t sequence) {
    return "/v1/events/" + std::to_string(sequence) + "/reversal";
}

wire::result<std::string> body_of(const net::http_response& answer) {
    const std::string& body = answer.shared_body ? *answer.shared_body : answer.body;
    if (answer.status / 100 == 2) return body;
    const json problem = read(body);
    const auto text = [&](const char* member, std::string otherwise) {
        const bool there = problem.is_object() && problem.contains(member) && problem[member].is_string();
        return there ? problem[member].get<std::string>() : std::move(otherwise);
    };
    const auto code = wire::status_from_name(text("code", ""));
    return wire::make_error(code.value_or(wire::status::unknown),
                            text("detail", "HTTP status " + std::to_string(answer.status)));
}

wire::result<lines> state_lines(std::string_view body) {
    const json state = read(body);
    if (!state.is_object() || !state.contains("frozen")) return not_understood(body);
    const std::string sequence = state.value("sequence", json(0)).dump();
    return lines{state["frozen"] == true ? "frozen since #" + sequence + ": the public view stands still"
                                         : "not frozen: the public sees everything"};
}

wire::result<lines> difference_lines(std::string_view body) {
    const json difference = read(body);
    if (!difference.is_object() || !difference.contains("games") || !difference.contains("teams"))
        return not_understood(body);
    lines out;
    for (const json& game : difference["games"])
        if (const auto done = append_both<v1::Score>(game, out); !done) return done.error();
    for (const json& team : difference["teams"])
        if (const auto done = append_both<v1::MedalTally>(team, out); !done) return done.error();
    if (out.empty()) out.emplace_back("the public sees everything");
    return out;
}

wire::result<lines> reversal_lines(std::string_view body) {
    const json state = read(body);
    if (!state.is_object()) return not_understood(body);
    const auto line = state.contains("game") ? line_of<v1::Score>(state) : line_of<v1::MedalTally>(state);
    if (!line) return line.error();
    return lines{*line};
}

} // namespace stadion::tools
