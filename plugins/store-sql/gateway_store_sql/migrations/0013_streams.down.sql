DROP TABLE stream_frames;
DROP TABLE streams;
