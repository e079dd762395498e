DROP TABLE conversation_items;
DROP TABLE conversations;
DROP TABLE response_frames;
DROP TABLE responses;
